"""From a model file to answers, with ONNX Runtime and never torch."""
