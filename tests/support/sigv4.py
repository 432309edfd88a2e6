"""Signature version 4, written down once more from its definition to check the server with."""

import datetime
import hashlib
import hmac
import urllib.parse

ALGORITHM = "AWS4-HMAC-SHA256"
KEY_ID = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _signature(secret, date, region, canonical):
    stamp = date.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/sqs/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = _hmac(f"AWS4{secret}".encode(), stamp[:8])
    for part in (region, "sqs", "aws4_request"):
        key = _hmac(key, part)
    return _hmac(key, f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}").hex(), scope, stamp


def _canonical(method, path, query, headers, payload_hash):
    lines = "".join(f"{key}:{' '.join(headers[key].split())}\n" for key in sorted(headers))
    return "\n".join(
        [
            method,
            urllib.parse.quote(path, safe="/~-_."),
            "&".join(sorted(query.split("&"))) if query else "",
            lines,
            ";".join(sorted(headers)),
            payload_hash,
        ]
    )


def sign(method, path, query, headers, body, date=None, key=KEY_ID, secret=SECRET, region=None):
    """The headers to send: the given ones (lower-case names, all signed) plus date and proof."""
    region = region or "us-east-1"
    stamp = (date or now()).strftime("%Y%m%dT%H%M%SZ")
    headers = {**headers, "x-amz-date": stamp}
    payload = hashlib.sha256(body).hexdigest()
    canonical = _canonical(method, path, query, headers, payload)
    signature, scope, _ = _signature(secret, date or now(), region, canonical)
    return {
        **headers,
        "authorization": f"{ALGORITHM} Credential={key}/{scope}, "
        f"SignedHeaders={';'.join(sorted(headers))}, Signature={signature}",
    }


def presign(method, path, params, host, date=None, expires=3600, key=KEY_ID, secret=SECRET):
    """The query string of a presigned URL."""
    date = date or now()
    stamp = date.strftime("%Y%m%dT%H%M%SZ")
    query = {
        **params,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{key}/{stamp[:8]}/us-east-1/sqs/aws4_request",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": "host",
    }
    text = "&".join(
        f"{urllib.parse.quote(name, safe='')}={urllib.parse.quote(value, safe='')}"
        for name, value in sorted(query.items())
    )
    empty = hashlib.sha256(b"").hexdigest()
    canonical = _canonical(method, path, text, {"host": host}, empty)
    signature, _, _ = _signature(secret, date, "us-east-1", canonical)
    return f"{text}&X-Amz-Signature={signature}"
