"""The API key of one machine: made once per state folder, so that clients go on after a restart."""

from local_dev.runtime.state import StateFolder
from serving_layer.auth.keys import mint, record_of
from shared.stores.control import ControlStore

SCOPES = ("bars:read", "live:read", "alerts:write")


def local_key(state: StateFolder, control: ControlStore) -> str:
    key = state.record.key
    if not key:
        _, key = mint(SCOPES)
        state.remember(key=key)
    control.put_key(key.split("_")[1], record_of(key, SCOPES))
    return key
