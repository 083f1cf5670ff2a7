"""`python -m local_dev.cost` (`make bill`): the tables of docs and README.md from the templates as they are."""

from local_dev.cost.load import Load
from local_dev.cost.page import write
from local_dev.cost.synthesis import PROFILES, settings_for, synthesised

if __name__ == "__main__":
    write({profile: synthesised(settings_for(profile, Load(), {})) for profile in PROFILES})
