"""The dashboard: a static site that is made of the published file and nothing else.

Charts are declared in `analyses/dashboard/`, a `.sql` each and an entry in its yml. `charts` reads
and asks them, `figures` turns answers into what is drawn and what is read, `site` writes pages.
"""

from infraspend.publishers.dashboard.site import Dashboard, write_dashboard

__all__ = ["Dashboard", "write_dashboard"]
