"""A tree of softmax gates."""

from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Float

import mixstat.gates.reference as reference
from mixstat.gates.base import Gate, blank
from mixstat.numerics.precision import AnyArray, library_of
from mixstat.parts.predictors import Group

Tree = int | tuple


class HierarchicalGate(Gate):
    """Probability of an expert: the product of softmax probabilities along its path in a tree.

    ``tree`` holds experts' numbers in nested tuples, one tuple a node, any number of branches:
    ``((0, 1), (2, 3, 4))``. None means a balanced binary tree. The last branch of a node is its
    reference.

    Jordan, M. I. and Jacobs, R. A. (1994). Hierarchical mixtures of experts and the EM
    algorithm. Neural Computation 6, 181-214.

    Examples
    --------
    >>> from mixstat import MixtureOfExperts
    >>> from mixstat.datasets import make_tent
    >>> from mixstat.gates import HierarchicalGate
    >>> X, y = make_tent(300, random_state=0)
    >>> gate = HierarchicalGate(tree=(0, (1, 2)))
    >>> moe = MixtureOfExperts(3, gate=gate, n_init=2, random_state=0).fit(X, y)
    >>> for line in str(moe.summary()).splitlines():
    ...     if "against" in line:
    ...         print(line.strip())
    Gate: expert 0 against experts 1, 2
    Gate: expert 1 against 2
    """

    coef: Float[AnyArray, "J q"] = eqx.field(default_factory=blank)  # nodes in depth-first order
    tree: Any = eqx.field(static=True, default=None, kw_only=True)

    exchangeable: ClassVar[bool] = False
    plain: ClassVar[bool] = True

    @property
    def n_experts(self) -> int:
        return self.coef.shape[0] + 1

    def null(self, n_experts: int, n_features: int) -> "HierarchicalGate":
        tree = balanced(range(n_experts)) if self.tree is None else self.tree
        found = leaves(tree)
        if sorted(found) != list(range(n_experts)):
            raise ValueError(
                f"tree must hold each of the experts 0..{n_experts - 1} once, got {tree!r}."
            )
        return HierarchicalGate(np.zeros((n_experts - 1, n_features)), tree=tree)

    def groups(self) -> tuple[Group, ...]:
        return (Group("Z", self.coef),)

    def link(self, eta: Float[AnyArray, "J n"], Z: AnyArray) -> Float[AnyArray, "K n"]:
        paths: dict[int, AnyArray] = {}
        used = 0

        def walk(node: Tree, reached: AnyArray) -> None:
            nonlocal used
            if isinstance(node, int):
                paths[node] = reached
                return
            rows = eta[used : used + len(node) - 1]
            used += len(node) - 1
            log_share = reference.log_softmax(rows)
            for branch, one in zip(node, log_share):
                walk(branch, reached + one)

        library = library_of(eta)
        walk(self._tree, library.zeros(eta.shape[1], eta.dtype))
        return library.stack([paths[k] for k in range(self.n_experts)])

    @property
    def _tree(self) -> Tree:
        return balanced(range(self.n_experts)) if self.tree is None else self.tree

    def permute(self, order: AnyArray) -> "HierarchicalGate":
        new = {int(old): k for k, old in enumerate(order)}

        def renumber(node: Tree) -> Tree:
            return new[node] if isinstance(node, int) else tuple(renumber(b) for b in node)

        return HierarchicalGate(self.coef, tree=renumber(self._tree))

    def penalty(self, constant: bool) -> Float[np.ndarray, "G G"]:
        """Squared slopes of each node, measured from their mean over its branches."""
        q = self.coef.shape[1]
        slopes = np.diag(reference.free_slopes(q, constant))
        size = self.coef.size
        form, used = np.zeros((size, size)), 0
        for node in nodes(self._tree):
            stored = len(node) - 1
            block = slice(used * q, (used + stored) * q)
            form[block, block] = np.kron(np.eye(stored) - 1.0 / len(node), slopes)
            used += stored
        return form

    def _rows(self) -> list[tuple[int, tuple]]:
        """For each row of coefficients its node's number and the node."""
        numbered = enumerate(nodes(self._tree))
        return [(i, node) for i, node in numbered for _ in range(len(node) - 1)]

    def titles(self) -> dict[str, str]:
        titles, branch, last = {}, 0, -1
        for j, (number, node) in enumerate(self._rows()):
            branch = branch + 1 if number == last else 0
            last = number
            one, other = (_listed(leaves(node[b])) for b in (branch, -1))
            if other.startswith("expert ") and one.startswith("expert "):
                other = other.removeprefix("expert ")  # as other gates say it
            titles[f"gate{j}"] = f"Gate: {one} against {other}"
        return titles


def _listed(experts: list[int]) -> str:
    numbers = ", ".join(str(k) for k in experts)
    return f"expert {numbers}" if len(experts) == 1 else f"experts {numbers}"


def balanced(experts: range) -> Tree:
    """A binary tree over consecutive experts, halves as equal as can be."""
    if len(experts) <= 2:
        return tuple(experts) if len(experts) == 2 else experts[0]
    middle = (len(experts) + 1) // 2
    return balanced(experts[:middle]), balanced(experts[middle:])


def nodes(tree: Tree) -> list[tuple]:
    """Inner nodes in depth-first order."""
    if isinstance(tree, int):
        return []
    return [tree, *(node for branch in tree for node in nodes(branch))]


def leaves(tree: object) -> list[int]:
    """Experts in depth-first order; ValueError if this is no tree."""
    if isinstance(tree, int | np.integer) and not isinstance(tree, bool):
        return [int(tree)]
    if not isinstance(tree, tuple) or len(tree) < 2:
        raise ValueError(
            "tree must be nested tuples of at least two branches with experts' numbers at the "
            f"ends, such as ((0, 1), (2, 3)); got {tree!r}."
        )
    return [k for branch in tree for k in leaves(branch)]
