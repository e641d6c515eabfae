"""The page of forty tasks: each has its line in the examples of the section that it names.

Pages are doctests of their own, so a line that stands among the examples runs.
"""

import doctest
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.fast

DOCS = Path(__file__).parents[1] / "docs"
GROUP = re.compile(r"^(?=.+\n-{3,}\n)", re.M)
TASK = re.compile(r"^(\w.+)\n   ``(.+?)``:\s+:ref:`(.+?):(.+?)`\.$", re.M)
HEADING = re.compile(r"^(.+)\n([=-])\2{2,}\n", re.M)


def _groups():
    return GROUP.split((DOCS / "tasks.rst").read_text())[1:]


def _tasks():
    return [match.groups() for group in _groups() for match in TASK.finditer(group)]


def _section(text, heading):
    """The text between a heading and the next one."""
    found = {match[1]: match for match in HEADING.finditer(text)}
    assert heading in found, f"no section {heading!r}"
    later = HEADING.search(text, found[heading].end())
    return text[found[heading].end() : later.start() if later else None]


def _lines(section):
    """What a section shows to be run: its doctests, and commands of the shell."""
    examples = doctest.DocTestParser().get_examples(section)
    return [example.source for example in examples] + re.findall(r"^ +\$ (.+)$", section, re.M)


def test_there_are_ten_tasks_for_each_of_four():
    assert [len(TASK.findall(group)) for group in _groups()] == [10] * 4
    assert len({what for what, *_ in _tasks()}) == 40


@pytest.mark.parametrize(
    ("code", "page", "heading"), [task[1:] for task in _tasks()], ids=[task[0] for task in _tasks()]
)
def test_a_task_is_done_in_its_section(code, page, heading):
    section = _section((DOCS / f"{page}.rst").read_text(), heading)
    assert any(code in line for line in _lines(section)), f"{code} is not in {heading!r}"
