"""What scikit-learn does to all estimators: parameters by name, and how a notebook shows them."""

from typing import Any, ClassVar, TypeVar

from sklearn import get_config
from sklearn.base import BaseEstimator

from mixstat.arguments import Setting
from mixstat.estimators.notebook import docs_address, with_fit
from mixstat.experts.registry import REGISTRY as EXPERTS
from mixstat.gates import REGISTRY as GATES
from mixstat.parts.settings import Tunable, changed, inner_settings, split
from mixstat.solvers.registry import REGISTRY as SOLVERS

Tuned = TypeVar("Tuned", bound="TunedEstimator")

# parameters that are parts, or lists of them, and the names that stand for one
PARTS: dict[str, dict[str, Tunable]] = {
    "gate": {**GATES},
    "expert": {**EXPERTS},
    "solver": {**SOLVERS},
    "contexts": {},
}


class TunedEstimator(BaseEstimator):
    """Parameters of parts by name, and the fit in a notebook; not to be used directly."""

    _doc_link_module: ClassVar[str] = "mixstat"

    @property
    def _doc_link_template(self) -> str:
        return docs_address()

    def get_params(self, deep: bool = True) -> dict[str, Setting]:
        """Get parameters, and the settings of parts that are objects.

        Parameters
        ----------
        deep : bool, default=True
            Whether settings of parts are listed too, such as ``gate__k`` of
            ``gate=TopKGate(k=2)``, or ``expert__0__df`` of the first of a list of families. A part
            that is given by its name lists none.

        Returns
        -------
        dict
            Values by name.
        """
        settings = super().get_params(deep=deep)
        for name in PARTS.keys() & settings.keys() if deep else ():
            settings |= inner_settings(name, settings[name])
        return settings

    def set_params(self: Tuned, **params: Any) -> Tuned:
        """Set parameters, or settings of parts as in ``gate__k=2`` or ``expert__df=4``.

        Parts are not changed in place: the estimator gets a new one. Where a part is given by its
        name, as in ``gate="top_k"``, that name stands for the object with its default settings.
        Of lists, parts are named by their number, or contexts by their name:
        ``contexts__0__alpha``.

        Parameters
        ----------
        **params
            New values by name.

        Returns
        -------
        MixtureOfExperts
            This estimator.

        Raises
        ------
        ValueError
            If there is no such parameter, or the part has no such setting. Nothing is set then.
        """
        whole, inner = split(params)
        now = self.get_params(deep=False)
        rest: dict[str, Setting] = {}
        for name, settings in inner.items():
            value = whole.get(name, now.get(name))
            if name not in now or (name not in PARTS and hasattr(value, "set_params")):
                rest |= {f"{name}__{key}": value for key, value in settings.items()}
                continue
            whole[name] = changed(name, value, settings, PARTS.get(name))
        return super().set_params(**whole, **rest)

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        return {"estimator_name": type(self).__name__}

    def _sk_visual_block_(self) -> object:
        """One block, whatever parts are objects: they are no estimators."""
        try:
            from sklearn.utils._repr_html.estimator import _VisualBlock
        except ModuleNotFoundError:  # its place before scikit-learn 1.8
            from sklearn.utils._estimator_html_repr import (  # pyright: ignore[reportMissingImports]
                _VisualBlock,
            )

        name = type(self).__name__
        return _VisualBlock("single", self, names=name, name_details=str(self))

    def _repr_html_inner(self) -> str:
        return with_fit(self, super()._repr_html_inner)  # pyright: ignore[reportAttributeAccessIssue]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            bundle["text/html"] = self._repr_html_inner()
        return bundle
