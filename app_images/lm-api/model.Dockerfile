# lm-model: a model as an image of its own. lm-api is built on it, so that a change of code never moves the model again.
ARG BASE=python:3.12-slim
FROM ${BASE}

WORKDIR /app
COPY model.gguf models/
