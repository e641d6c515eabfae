"""What the commands understand; nothing that is slow to import is imported here."""

import argparse
from collections.abc import Callable

Action = Callable[[argparse.Namespace], None]

DATA = "a table with a row of names: CSV, or parquet (.parquet); - reads CSV from the input"
MODEL = "a file that 'mixstat fit --out' or mixstat.save wrote"

# options by what messages call them
OPTIONS = {
    "sample_weight": "--weights",
    "offset": "--offset",
    "groups": "--groups",
    "gate_formula": "--gate",
    "gate": "--gate-kind",
    "formula": "--formula",
    "expert": "--expert",
    "n_experts": "--experts",
    "criterion": "--criterion",
    "cv": "--folds",
    "missing": "--missing",
    "ridge": "--ridge",
    "random_state": "--seed",
    "coverage": "--interval",
    "q": "--quantile",
    "path": "MODEL",
}


def add_options(words: str, chosen: argparse.Namespace) -> str:
    """A message that begins with an argument of Python, with the option that gave it."""
    name, space, rest = words.partition(" ")
    option = OPTIONS.get(name.rstrip(":"))
    if option is None or not hasattr(chosen, "data"):
        return words
    return f"{option}{':' * name.endswith(':')}{space}{rest}"


def add_commands(areas: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands of models to the areas of ``mixstat``."""
    _add_fit(areas.add_parser("fit", help="fit a mixture to a table"))
    _add_select(areas.add_parser("select", help="choose the number of experts"))
    _add_predict(areas.add_parser("predict", help="predict the rows of a table"))
    _add_report(areas.add_parser("report", help="one page on a model and its data"))


def _add_fit(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    parser.add_argument("-k", "--experts", type=int, default=2, metavar="K", help="(default 2)")
    parser.set_defaults(act=_fit)


def _add_select(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    several = {"nargs": "+", "type": int, "metavar": "K"}
    parser.add_argument(
        "-k",
        "--experts",
        default=[1, 2, 3, 4],
        help="numbers of experts (default 1 2 3 4)",
        **several,
    )
    parser.add_argument("--criterion", default="bic", help="what chooses (default bic)")
    parser.add_argument("--folds", type=int, metavar="N", help="folds for the held-out density")
    parser.set_defaults(act=_select)


def _add_model(parser: argparse.ArgumentParser) -> None:
    """What a model is made of."""
    parser.add_argument("data", metavar="DATA", help=DATA)
    parser.add_argument("--formula", required=True, help="such as 'y ~ x + C(site)'")
    parser.add_argument("--gate", metavar="FORMULA", help="the gate's inputs, such as '~ w'")
    parser.add_argument(
        "--expert",
        action="append",
        metavar="FAMILY",
        help="such as poisson; given several times, one for each expert; multinomial for classes",
    )
    parser.add_argument("--gate-kind", default="softmax", metavar="KIND", help="(default softmax)")
    parser.add_argument("--groups", metavar="COLUMN", help="rows of a unit share one expert")
    parser.add_argument("--offset", metavar="COLUMN", help="added to the experts' predictors")
    parser.add_argument("--weights", metavar="COLUMN", help="a row of weight 2 counts twice")
    parser.add_argument("--missing", default="raise", help="raise or drop (default raise)")
    parser.add_argument("--ridge", type=float, help="weight of squared slopes")
    parser.add_argument("--seed", type=int, default=0, help="of the starts (default 0)")
    parser.add_argument("--out", metavar="DIR", help="folder for model, table and figure")
    _add_separator(parser)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    parser.add_argument("data", metavar="DATA", help=DATA)
    parser.add_argument(
        "--interval", type=float, metavar="P", help="also its ends, for P such as 0.9"
    )
    parser.add_argument(
        "--quantile", type=float, action="append", metavar="Q", help="also this; may be repeated"
    )
    parser.add_argument("--shares", action="store_true", help="also the gate's shares")
    parser.add_argument(
        "--keep", action="append", default=[], metavar="COLUMN", help="copied from DATA"
    )
    parser.add_argument("--out", metavar="FILE", help="CSV or parquet; else CSV on the output")
    _add_separator(parser)
    parser.set_defaults(act=_predict)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    parser.add_argument("data", metavar="DATA", help=f"the rows of the fit, or others: {DATA}")
    parser.add_argument("--response", metavar="COLUMN", help="of a model without a formula")
    parser.add_argument("--weights", metavar="COLUMN", help="that the fit was given")
    parser.add_argument(
        "--out", default="report.html", metavar="FILE", help="(default report.html)"
    )
    _add_separator(parser)
    parser.set_defaults(act=_report)


def _add_separator(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--separator", default=",", metavar="SIGN", help="of CSV (default ,)")


def _fit(chosen: argparse.Namespace) -> None:
    from mixstat.commands.fitting import fit

    fit(chosen)


def _select(chosen: argparse.Namespace) -> None:
    from mixstat.commands.fitting import select

    select(chosen)


def _predict(chosen: argparse.Namespace) -> None:
    from mixstat.commands.predicting import predict

    predict(chosen)


def _report(chosen: argparse.Namespace) -> None:
    from mixstat.commands.reporting import report

    report(chosen)
