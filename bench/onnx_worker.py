"""onnxruntime as a peer, as fastembed runs MiniLM: onnx_worker.py MODEL.onnx THREADS      (peer_worker.py tells the
rest)"""
import sys

import onnxruntime

import peer_worker
import tokens

path, threads = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(threads)
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def compute(ids, mask):
    hidden, = session.run(None, {"input_ids": ids, "attention_mask": mask})
    return (hidden * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]


peer_worker.serve(tokens.minilm(), 0, compute)
