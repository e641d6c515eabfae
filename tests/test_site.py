"""What a release carries agrees with itself, and the script that checks the site finds faults."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest

import mixstat

pytestmark = pytest.mark.fast

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _script(name):
    spec = importlib.util.spec_from_file_location(f"{name}_check", ROOT / ".ci" / f"{name}.py")
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


def test_the_menu_of_versions_has_this_one():
    versions = json.loads((ROOT / "docs" / "_static" / "versions.json").read_text())
    assert [one["version"] for one in versions if one.get("preferred")] == [mixstat.__version__]
    assert all(one["url"] == f"/{one['version']}/" for one in versions)


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


SEARCHED = [
    "robust", "offset", "exposure", "joblib", "pickle", "confidence interval", "p-value", "outlier",
    "mixture of regressions", "latent class regression", "switching regression", "regime",
    "clusterwise regression", "piecewise regression", "concomitant variable", "flexmix", "fmm",
    "missing values", "categories", "sample_weight", "quantile", "multimodal", "uncertain", "GPU",
    "warm_start", "cross-validation", "survival", "soft sensor", "out of range", "ONNX", "Dask",
]  # fmt: skip


@pytest.mark.parametrize("words", SEARCHED)
def test_a_page_has_the_words_that_people_search_for(words):
    pages = [path.read_text().lower() for path in _sources()]
    assert any(all(word in page for word in words.lower().split()) for page in pages)


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
    site = _script("site")
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


def test_what_a_browser_shows_is_looked_at(tmp_path, capsys):
    browser = _script("browser")
    if browser.tools() is None:
        pytest.skip("needs Selenium, Chromium and its driver")
    page = "<link rel='icon' href='data:,'><p style='color: {}'>words</p><div style='width: {}'>"
    (tmp_path / "good.html").write_text(page.format("#333", "50px"))
    assert browser.main(tmp_path) == 0
    (tmp_path / "bad.html").write_text(page.format("#999", "600px") + "<img src='gone.png'>")
    capsys.readouterr()
    assert browser.main(tmp_path) == 1
    told = capsys.readouterr().out
    for part in ("400 px: scrolls sideways", "does not show", "contrast 2.85 of P"):
        assert part in told
    assert "good.html" not in told
    assert "1200 px: scrolls" not in told


def test_a_site_without_a_browser_is_left_in_words(tmp_path, capsys, monkeypatch):
    browser = _script("browser")
    monkeypatch.setattr(browser, "tools", lambda: None)
    assert browser.main(tmp_path) == 0
    assert "no browser was opened" in capsys.readouterr().out
