# `make image`: facecover serve in a container. At run time it needs no network but the one it is
# asked over, no writable disk (--read-only; with --workers, /tmp), and no rights.
FROM python:3.11-slim AS build
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY experiments experiments
COPY src src
RUN python -m venv /opt/facecover && /opt/facecover/bin/pip install --no-cache-dir -c constraints.txt ".[serve]"

FROM python:3.11-slim
COPY --from=build /opt/facecover /opt/facecover
ENV PATH=/opt/facecover/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["facecover"]
CMD ["serve", "--host", "0.0.0.0"]
