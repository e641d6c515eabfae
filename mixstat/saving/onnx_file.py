"""Predictions as a graph of ONNX, which other programs compute without Python."""

# onnx has no types
# pyright: basic

from typing import Any

import numpy as np
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted

from mixstat.arguments import Estimator, Setting
from mixstat.data.design import Design, PolynomialColumns
from mixstat.estimators.base import BaseMixture
from mixstat.experts.gamma import GammaExperts
from mixstat.experts.gaussian import GaussianExperts
from mixstat.experts.multinomial import MultinomialExperts
from mixstat.experts.poisson import PoissonExperts
from mixstat.files import as_file, write_at_once
from mixstat.gates.softmax import SoftmaxGate

OPSET = 17
LINKS = {GaussianExperts: "Identity", PoissonExperts: "Exp", GammaExperts: "Exp",
         MultinomialExperts: "Softmax"}  # fmt: skip


def to_onnx(estimator: Estimator, path: Setting) -> None:
    """Write the predictions of a fitted model as a graph of ONNX.

    Its input ``X`` is a table (n, d) of float64; its outputs are ``mean`` (n,) or (n, m), of
    classes their probabilities, ``gate_proba`` (n, K) and ``expert_means`` (n, K, m), as the
    methods of these names tell them. Needs ``pip install 'mixstat[onnx]'``.

    Parameters
    ----------
    estimator : MixtureOfExperts or MixtureOfExpertsClassifier
        A fitted model with a softmax gate, experts that are Gaussian, Poisson, gamma or
        multinomial, and polynomials of numeric columns as features.
    path : str or path-like
        The file, in a folder that exists; written whole or not at all.

    Raises
    ------
    TypeError
        If the model is another one, or is none.
    ValueError
        If it is not fitted, or the path is none.

    See Also
    --------
    save : Keeps all of a model, of every kind.

    Examples
    --------
    >>> import numpy as np
    >>> import mixstat
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> y = np.where(np.arange(200) % 2, X[:, 0], -X[:, 0]) + 0.1 * np.sin(40 * X[:, 0])
    >>> moe = mixstat.MixtureOfExperts(2, random_state=0).fit(X, y)
    >>> mixstat.to_onnx(moe, "model.onnx")  # doctest: +SKIP
    >>> import onnxruntime  # doctest: +SKIP
    >>> session = onnxruntime.InferenceSession("model.onnx")  # doctest: +SKIP
    >>> mean, = session.run(["mean"], {"X": X})  # doctest: +SKIP
    """
    place = as_file(path, "path")
    if not isinstance(estimator, BaseMixture):
        raise TypeError(f"estimator must be a fitted mixture of experts, got {estimator!r}.")
    check_is_fitted(estimator)
    _check(estimator)
    if not place.parent.is_dir():
        raise ValueError(f"path must be in a folder that exists, got {str(place)!r}.")
    write_at_once(place, _Graph().of(estimator))


def _check(estimator: BaseMixture) -> None:
    """Refuse what the graph cannot tell."""
    fit = estimator.fit_
    gate, experts = fit.model.gate, fit.model.experts
    if type(gate) is not SoftmaxGate:
        raise TypeError(f"estimator must have a softmax gate, got {type(gate).__name__}.")
    if type(experts) not in LINKS:
        names = ", ".join(kind.__name__ for kind in LINKS)
        raise TypeError(f"estimator must have one of {names}, got {type(experts).__name__}.")
    schema = fit.request.schema
    if schema.offset is not None or schema.groups is not None:
        raise TypeError("estimator must have neither an offset nor groups.")
    for design in (fit.designs.gate, fit.designs.experts):
        if schema.categories or type(design.source) is not PolynomialColumns:
            raise TypeError(
                "estimator must have polynomials of numeric columns as features, got "
                f"{type(design.source).__name__}{' of categories' if schema.categories else ''}."
            )


class _Graph:
    """A graph that grows by nodes."""

    def __init__(self) -> None:
        try:
            import onnx  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise ImportError(
                "to_onnx needs onnx; install it with: pip install 'mixstat[onnx]'"
            ) from error
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def of(self, estimator: BaseMixture) -> bytes:
        """The graph of a model, as bytes."""
        fit, experts = estimator.fit_, estimator.fit_.user_model.experts
        K, link = fit.n_experts, LINKS[type(experts)]
        table = experts.coefficients()
        if link == "Softmax":  # the last class is the reference
            table = np.concatenate([table, np.zeros_like(table[:, :1])], axis=1)
        m = table.shape[1]
        logits = self.linear(fit.designs.gate, fit.user_model.gate.coefficients())
        share = self.node("Softmax", logits, name="gate_proba", axis=1)
        eta = self.linear(fit.designs.experts, table.reshape(K * m, -1))
        each = self.node("Reshape", eta, self.constant(np.array([-1, K, m])))
        settings = {"axis": 2} if link == "Softmax" else {}
        means = self.node(link, each, name="expert_means", **settings)
        weight = self.node("Unsqueeze", share, self.constant(np.array([2])))
        single = fit.predicts_vectors and link != "Softmax"
        axes = self.constant(np.array([1, 2] if single else [1]))
        product = self.node("Mul", means, weight)
        self.node("ReduceSum", product, axes, name="mean", keepdims=0)
        shapes = {"mean": ["n"] if single else ["n", m], "gate_proba": ["n", K],
                  "expert_means": ["n", K, m]}  # fmt: skip
        return self.packed(fit.request.schema.n_features, shapes)

    def node(self, kind: str, *inputs: str, name: str | None = None, **settings: Any) -> str:
        """A node; the name of what it gives."""
        output = name or f"v{len(self.nodes)}"
        made = self.onnx.helper.make_node(kind, list(inputs), [output], **settings)
        self.nodes.append(made)
        return output

    def constant(self, values: np.ndarray) -> str:
        """An array that the file holds."""
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def linear(self, design: Design, table: Float[np.ndarray, "r p"]) -> str:
        """Linear predictors (n, r) with coefficients of the monomials, the constant first."""
        source = design.source
        assert isinstance(source, PolynomialColumns)
        made: list[str] = []
        for earlier, factor in source.steps:
            if earlier is None or factor is None:
                made.append("")
                continue
            column = self.constant(np.array([source.inputs[factor]]))
            value = self.node("Gather", "X", column, axis=1)
            made.append(self.node("Mul", made[earlier], value) if made[earlier] else value)
        varying = [name for name in made if name]
        slopes = np.asarray(table)[:, [bool(name) for name in made]].T
        if not varying:  # a constant for each row of X
            varying = [self.node("Gather", "X", self.constant(np.array([0])), axis=1)]
            slopes = np.zeros((1, len(table)))
        features = self.node("Concat", *varying, axis=1)
        product = self.node("MatMul", features, self.constant(slopes))
        return self.node("Add", product, self.constant(np.asarray(table)[:, made.index("")]))

    def packed(self, n_inputs: int, shapes: dict[str, list[Any]]) -> bytes:
        """The graph, checked."""
        helper, double = self.onnx.helper, self.onnx.TensorProto.DOUBLE
        given = [helper.make_tensor_value_info("X", double, ["n", n_inputs])]
        told = [helper.make_tensor_value_info(name, double, one) for name, one in shapes.items()]
        graph = helper.make_graph(self.nodes, "mixstat", given, told, self.constants)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
        self.onnx.checker.check_model(model)
        return model.SerializeToString()
