"""Export a transformers encoder to ONNX, as onnxruntime and fastembed run it: export_onnx.py MODEL OUT.onnx"""
import sys

import torch
from transformers import AutoModel


class TokenVectors(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


model = TokenVectors(AutoModel.from_pretrained(sys.argv[1], attn_implementation="eager")).eval()
ids = torch.ones((2, 8), dtype=torch.long)
axes = {0: "batch", 1: "tokens"}
with torch.no_grad():
    torch.onnx.export(model, (ids, ids), sys.argv[2], input_names=["input_ids", "attention_mask"],
                      output_names=["last_hidden_state"],
                      dynamic_axes={"input_ids": axes, "attention_mask": axes, "last_hidden_state": axes}, dynamo=False,
                      opset_version=17)
