"""Where speed view, rebuild and vendor differ, and why."""
