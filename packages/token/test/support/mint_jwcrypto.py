"""Mints tokens with python3-jwcrypto alone: {"issuer": .rai file, "claims": {...}} on standard input, the token on standard output."""

import json
import sys

from jwcrypto import jwe, jwk, jws

given = json.load(sys.stdin)
rai = given["issuer"]
payload = json.dumps(given["claims"]).encode()
key = next(k for k in rai["keys"] if k["kid"] == rai["use"])
header = {"enc": "A256GCM", "kid": key["kid"], "typ": "rai+jwt"}
if rai["method"] == "aes":
    header["alg"] = "A256KW"
else:
    sign = rai["sign"]
    signed = jws.JWS(payload)
    inner = {"alg": "ES256", "kid": sign["kid"], "typ": "rai+jwt"}
    signed.add_signature(jwk.JWK(**sign), alg="ES256", protected=json.dumps(inner))
    payload = signed.serialize(compact=True).encode()
    header.update(alg="ECDH-ES+A256KW", cty="JWT")
sealed = jwe.JWE(payload, protected=json.dumps(header))
sealed.add_recipient(jwk.JWK(**key))
print(sealed.serialize(compact=True))
