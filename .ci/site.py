"""Check the titles, texts of images and links of a built site: `python .ci/site.py FOLDER`."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page has of titles, images, links and places that links go to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title = ""
        self.untold: list[str] = []  # images without a text
        self.links: list[str] = []
        self.places: set[str] = set()
        self.headings = 0
        self._in_title = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down what a tag says."""
        told = dict(attrs)
        self._in_title = tag == "title"
        self.headings += tag == "h1"
        self.places |= {told.get("id") or "", told.get("name") or ""}
        if tag == "img" and told.get("alt") is None:
            self.untold.append(told.get("src") or "")
        if tag == "a" and told.get("href"):
            self.links.append(str(told["href"]))

    def handle_data(self, data: str) -> None:
        """Take down the title."""
        self.title += data.strip() if self._in_title else ""

    def handle_endtag(self, tag: str) -> None:
        """A title ends."""
        self._in_title = self._in_title and tag != "title"


def faults(folder: Path) -> list[str]:
    """What is wrong with the pages of a site, a line each."""
    paths = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    pages = {path.resolve(): Page(path.read_text()) for path in paths}
    found = [] if pages else [f"{folder}: no pages"]
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        if not page.title:
            found.append(f"{name}: no title")
        if page.headings > 1:
            found.append(f"{name}: {page.headings} headings of the first level")
        found += [f"{name}: no text for the image {source}" for source in page.untold]
        found += [f"{name}: dead link {link}" for link in page.links if _is_dead(link, path, pages)]
    return found


def _is_dead(link: str, page: Path, pages: dict[Path, Page]) -> bool:
    """Whether a link within the site goes nowhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    target = target / "index.html" if target.is_dir() else target
    if target not in pages:
        return not target.exists()
    place = unquote(parts.fragment)
    return bool(place) and place not in pages[target].places


if __name__ == "__main__":
    told = faults(Path(sys.argv[1]))
    print("\n".join(told) or "titles, texts and links are there")
    sys.exit(bool(told))
