"""A page of HTML in one file: sections of sentences, tables and figures."""

import base64
from collections.abc import Sequence
from html import escape
from string import Template
from typing import NamedTuple

from mixstat.arguments import DataFrame

PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.3rem; margin-top: 2.2rem;
  border-bottom: 1px solid #ccc; }
nav a { margin-right: 1em; } a { color: #0b5394; }
.wide { overflow-x: auto; overflow-wrap: normal; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0.4rem 0; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
figure { margin: 1.2rem 0; } img { max-width: 100%; height: auto; }
figcaption, .note { color: #555; font-size: 0.9rem; }
footer { margin-top: 3rem; color: #555; font-size: 0.85rem; }
</style>
</head>
<body>
<header><h1>$title</h1><nav aria-label="Sections">$links</nav></header>
<main>
$body
</main>
<footer>$footer</footer>
</body>
</html>
"""
)
EMPTY = ""  # a cell of what is not a number


class Section(NamedTuple):
    """A part of a page."""

    title: str
    blocks: Sequence[str]
    """HTML."""


def page(title: str, sections: Sequence[Section], footer: str) -> str:
    """The page as HTML."""
    links = " ".join(f'<a href="#{_place(one)}">{escape(one.title)}</a>' for one in sections)
    body = "\n".join(
        f'<section id="{_place(one)}"><h2>{escape(one.title)}</h2>\n{"".join(one.blocks)}</section>'
        for one in sections
    )
    told = {"title": escape(title), "footer": escape(footer)}
    return PAGE.substitute(told, links=links, body=body)


def sentences(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>\n"


def note(text: str) -> str:
    """A paragraph of less weight."""
    return f'<p class="note">{escape(text)}</p>\n'


def listing(texts: Sequence[str]) -> str:
    """A list of sentences."""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>\n" if texts else ""


def text(lines: str, label: str) -> str:
    """Lines as they are, in letters of one width."""
    return _wide(f"<pre>{escape(lines)}</pre>", label)


def table(frame: DataFrame, caption: str) -> str:
    """A table with numbers to five digits."""
    made = frame.to_html(
        border=0, na_rep=EMPTY, float_format=lambda number: f"{number:.5g}", index=False
    )
    made = made.replace("<thead>", f"<caption>{escape(caption)}</caption>\n<thead>", 1)
    made = made.replace("<th>", '<th scope="col">')
    return _wide(made, caption)


def image(png: bytes, alt: str) -> str:
    """A figure with its words."""
    data = base64.b64encode(png).decode()
    words = escape(alt)
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{words}">'
        f"<figcaption>{words}</figcaption></figure>\n"
    )


def _wide(inside: str, label: str) -> str:
    """What scrolls by itself where the page is narrow."""
    told = f'tabindex="0" role="region" aria-label="{escape(label)}"'
    return f'<div class="wide" {told}>{inside}</div>\n'


def _place(section: Section) -> str:
    return section.title.lower().replace(" ", "-")
