"""Formulas as MathML, which browsers draw themselves: no script, and nothing is fetched."""

from docutils import nodes
from math_core import LatexToMathML
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

CONVERTER = LatexToMathML()  # refuses commands that it does not know


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    drawn = CONVERTER.convert_with_local_state(node.astext(), displaystyle=False)
    translator.body.append(drawn)
    raise nodes.SkipNode


def block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on its own line, in a box that scrolls where the page is too narrow."""
    drawn = CONVERTER.convert_with_local_state(node.astext(), displaystyle=True)
    translator.body.append(translator.starttag(node, "div", CLASS="math") + drawn + "</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write all formulas of the site in this way."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
