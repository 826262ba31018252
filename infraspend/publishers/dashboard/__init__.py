"""The dashboard: a static site built from the published file alone.

Charts are declared in `analyses/dashboard/`, a `.sql` each and an entry in its yml. `charts` reads
and queries them, `figures` turns answers into drawings and tables, `site` writes pages.
"""

from infraspend.publishers.dashboard.site import Dashboard, write_dashboard

__all__ = ["Dashboard", "write_dashboard"]
