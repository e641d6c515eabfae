"""What a release carries agrees with itself, and the script that checks the site finds faults."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

import mixstat

pytestmark = pytest.mark.fast

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _site():
    spec = importlib.util.spec_from_file_location("site_check", ROOT / ".ci" / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _sources():
    folders = (ROOT / "docs", ROOT / "docs" / "guide", ROOT / "docs" / "papers")
    paths = [path for folder in folders for path in sorted(folder.glob("*.rst"))]
    return [path for path in paths if not path.name.startswith("sg_")]  # which the gallery writes


def test_the_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", text, re.M)[1] == mixstat.__version__
    assert re.search(r"^license: (.+)$", text, re.M)[1] == PROJECT["license"]
    assert re.search(
        rf"^## {re.escape(mixstat.__version__)}, ", (ROOT / "CHANGELOG.md").read_text(), re.M
    )


def test_every_extra_is_in_the_table():
    told = set(re.findall(r"^   \* - (``.*``)$", (ROOT / "docs" / "install.rst").read_text(), re.M))
    named = {name for line in told for name in re.findall(r"``(\w+)``", line)}
    assert named == set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("path", _sources(), ids=lambda path: path.stem)
def test_images_of_a_page_have_texts_and_exist(path):
    text = path.read_text()
    assert re.match(r"(\.\. .*\n+)*.+\n[=]+\n", text), "a page begins with its title"
    for source, options in re.findall(r"\.\. (?:image|figure):: (\S+)\n((?: +:.*\n)*)", text):
        place = (
            ROOT / "docs" / source.lstrip("/") if source.startswith("/") else path.parent / source
        )
        assert place.exists(), source
        assert re.search(r":alt: \S", options), f"{source} has no text"


def test_links_of_the_readme_lead_somewhere():
    text = (ROOT / "README.md").read_text()
    assert re.search(r"!\[[^\]]{20,}\]\(", text), "the figure has a text"
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target


def test_faults_of_a_site_are_found(tmp_path):
    (tmp_path / "index.html").write_text(
        "<html><head><title>All</title></head><body><h1 id='top'>a</h1><a href='other.html#here'>"
        "<img src='a.png' alt=''></a><a href='#top'></a><a href='https://far.example/x'></a></body>"
    )
    (tmp_path / "other.html").write_text("<title>Other</title><p id='here'></p>")
    site = _site()
    assert site.faults(tmp_path) == []
    (tmp_path / "other.html").write_text(
        "<p id='there'></p><h1>b</h1><h1>c</h1><img src='b.png'><a href='gone.html'></a>"
    )
    assert site.faults(tmp_path) == [
        "index.html: dead link other.html#here",
        "other.html: no title",
        "other.html: 2 headings of the first level",
        "other.html: no text for the image b.png",
        "other.html: dead link gone.html",
    ]
