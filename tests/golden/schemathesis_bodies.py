"""Lets schemathesis send the body types that it does not know: SCHEMATHESIS_HOOKS=schemathesis_bodies, with this folder
in PYTHONPATH. What a schema can say of them is that they are texts or bytes."""

import json

import schemathesis


@schemathesis.serializer("application/jsonlines", "text/libsvm", "application/x-npy")
def as_it_is(context, value):
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode(errors="surrogatepass")
