"""Settings of the documentation site."""

import inspect
import os
import sys
from pathlib import Path

from sklearn.base import BaseEstimator

import mixstat

sys.path.append(str(Path(__file__).parent))  # the extension that writes formulas

project = "mixstat"
author = "The mixstat developers"
copyright = f"2026, {author}"
version = release = mixstat.__version__

html_math_renderer = "mathml"
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosectionlabel",
    "sphinx.ext.autosummary",
    "mathml",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
default_role = "py:obj"

autosectionlabel_prefix_document = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "parallel": 2,
    "show_memory": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "ignore_repr_types": r"matplotlib|mixstat\.plotting",  # their figures are shown
}

copybutton_prompt_text = r">>> |\.\.\. |\$ "  # which Python and the shell do not want
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "mixstat"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
single_pages = (
    "quickstart",
    "solvers",
    "performance",
    "translation",
    "notation",
    "extending",
    "install",
    "policy",
    "start",
    "tasks",
    "flexmix",
    "faq",
)
with_contents = (*single_pages, "guide/*", "papers/*", "api/**")  # code of examples needs the width
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": {page: ["page-toc"] for page in with_contents},
    "header_links_before_dropdown": 5,
}
versions = os.environ.get("MIXSTAT_VERSIONS")  # address of the list, where several are served
if versions:
    html_theme_options["switcher"] = {"json_url": versions, "version_match": version}
    html_theme_options["navbar_end"] = ["version-switcher", "theme-switcher"]
html_sidebars = {page: [] for page in single_pages}


def settings_of(app, what, name, obj, options, signature, returned):
    """Show the settings of an estimator, whose base class takes any to refuse unknown ones."""
    if what == "class" and issubclass(obj, BaseEstimator):
        settings = inspect.signature(obj).replace(return_annotation=inspect.Signature.empty)
        return str(settings), returned
    return None


def setup(app):
    """Let classes show their settings."""
    app.connect("autodoc-process-signature", settings_of)
