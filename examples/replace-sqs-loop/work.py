"""The work itself, which stays as it is."""

import json


def resize(body):
    order = json.loads(body) if isinstance(body, str) else body
    return f"{order['image']} at {order['width']} pixels"
