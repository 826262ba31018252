"""Only `make metrics` installs MetricFlow; without it there is nothing of it to collect."""

from tests.workspaces import ROOT

METRICFLOW = ROOT / ".venv-metrics" / "bin"

collect_ignore_glob = [] if (METRICFLOW / "mf").exists() else ["test_metricflow.py"]
