"""The dbt docs page as the engine hands it out: readable at any width, named after the engine."""

TITLE = "<title>House-Ware CLV Engine</title>"
# dbt's page is at least 960 px wide, cuts every column's description after a few words, and shows
# of a long table and of code only a part
STYLE = """<style>
td[style*="text-overflow"] { white-space: normal !important; max-width: 380px !important; }
.table-responsive[style*="max-height"] { max-height: none !important; }
.table-responsive[style*="max-height"] { overflow: visible !important; }
pre.code { height: auto !important; max-height: none !important; resize: none !important; }
pre.code { overflow-y: hidden !important; padding-bottom: 2em !important; }
.detail-body { white-space: normal !important; overflow-x: visible !important; }
@media (max-width: 800px) {
  body, .layout { min-width: 0 !important; }
  .table-responsive[style*="max-height"] { overflow-x: auto !important; }
  .app-content .panel-body pre:not(.code) { white-space: pre-wrap; }
  .app-content td code { white-space: normal; overflow-wrap: anywhere; }
  .app-content .app-details { padding-bottom: 90px; }
  .app { min-width: 0 !important; display: block !important; overflow: auto; }
  .app-menu, .app-content { width: 100% !important; min-width: 0 !important; }
  .app-menu, .app-content { display: block !important; }
  .app-menu .app-header { display: none; }
  .app-menu .app-body { position: relative; height: 35vh; border-bottom: 2px solid #dce3e8; }
  .app-content .app-body, .app-content .app-scroll { position: static !important; }
  .app-content .app-body, .app-content .app-scroll { height: auto !important; }
  .app-content .app-body, .app-content .app-scroll { overflow: visible !important; }
  .app-pad, .app-pad-h { padding-left: 10px !important; padding-right: 10px !important; }
  .app-content .panel-body { padding: 10px !important; overflow-x: auto; }
  .app-content table { font-size: 13px; }
  .app-content th, .app-content td { padding-left: 5px !important; padding-right: 5px !important; }
  .app-sticky { position: static !important; }
}
</style>"""


def readable(page: str) -> str:
    """dbt's static page with the engine's title and a style that fits phones.

    Raises ValueError when dbt's page has another form than it had.
    """
    dbt_title = "<title>dbt Docs</title>"
    if page.count(dbt_title) != 1:
        raise ValueError("the dbt docs page has no title of dbt's: adapt ml/report/dbt_docs.py")
    return page.replace(dbt_title, TITLE + STYLE)
