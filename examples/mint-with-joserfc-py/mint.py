"""Mints a relay URL with the joserfc library alone: docs/spec/token.md is all it takes. Usage: python3 mint.py FILE.rai"""
import json
import os
import secrets
import sys
import time

from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey

with open(sys.argv[1] if len(sys.argv) > 1 else "../../default.rai", encoding="utf-8") as source:
    file = json.load(source)
now = int(time.time())
claims = {
    "iss": file["iss"],
    "aud": file["aud"],
    "jti": secrets.token_urlsafe(16),
    "iat": now,
    "exp": now + 600,
    "upstream": {
        "provider": os.environ.get("PROVIDER", "demo"),
        "key": os.environ.get("PROVIDER_API_KEY", "sk-demo-not-a-key"),
    },
    "limits": {"calls": 20},
}

jwk = next(key for key in file["keys"] if key["kid"] == file["use"])
header = {"alg": jwk["alg"], "enc": "A256GCM", "kid": jwk["kid"], "typ": "rai+jwt"}
plaintext = json.dumps(claims).encode()

if file["method"] == "ecc":
    # signed by the issuer inside, encrypted to the relay outside
    sign = file["sign"]
    inner = {"alg": "ES256", "kid": sign["kid"], "typ": "rai+jwt"}
    plaintext = jws.serialize_compact(inner, plaintext, ECKey.import_key(sign), algorithms=["ES256"]).encode()
    header["cty"] = "JWT"
    key = ECKey.import_key(jwk)
else:
    key = OctKey.import_key(jwk)

print(file["relay"] + jwe.encrypt_compact(header, plaintext, key, algorithms=[jwk["alg"], "A256GCM"]))
