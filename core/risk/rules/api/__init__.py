"""What callers rely on: OpenAPI and protobuf."""
