"""The same XGBoost model behind two Python servers, each as people set it up.

    uvicorn --factory peers:fastapi_app       FastAPI
    gunicorn --worker-class gevent ...        Flask, as the managed XGBoost container runs it

Both take the model's path from the variable MODEL, keep one thread for XGBoost in each worker, read CSV with NumPy and
answer one score a line. Nothing else is done: no logging, no checks.
"""

import io
import os

import numpy as np
import xgboost

_model = xgboost.Booster({"nthread": 1}, model_file=os.environ["MODEL"])


def _answer(body):
    rows = np.loadtxt(io.StringIO(body.decode()), delimiter=",", dtype=np.float32, ndmin=2)
    return "".join(f"{score}\n" for score in _model.inplace_predict(rows))


def fastapi_app():
    import fastapi

    app = fastapi.FastAPI()

    @app.get("/ping")
    async def ping():
        return fastapi.Response()

    @app.post("/invocations")
    async def invocations(request: fastapi.Request):
        return fastapi.Response(_answer(await request.body()), media_type="text/csv")

    return app


def flask_app():
    import flask

    app = flask.Flask(__name__)

    @app.get("/ping")
    def ping():
        return ""

    @app.post("/invocations")
    def invocations():
        return flask.Response(_answer(flask.request.get_data()), mimetype="text/csv")

    return app
