# docker build --tag lean-alchemy .
# docker run --rm lean-alchemy                                                    three variants of a famous theorem
# docker run --rm --volume "$PWD:/work" lean-alchemy alchemy synthesize corpus    a corpus in ./corpus

FROM python:3.12-slim AS build
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist /source

FROM python:3.12-slim
RUN --mount=type=bind,from=build,source=/dist,target=/dist pip install --no-cache-dir /dist/*.whl
RUN useradd --create-home alchemy && install --directory --owner=alchemy /work
USER alchemy
WORKDIR /work
# Lean and the index of its library become part of the image.
RUN alchemy demo
CMD ["alchemy", "demo"]
