"""The proof of an export: a fresh process with only TensorFlow gives the same answers, and edge cases behave."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from zoo.chain import Chain, concatenate
from zoo.kernels import lstm_layers
from zoo.signatures import edges, signatures
from zoo.streaming import Stream, filled_up, obstacle
from zoo.types import Answers, RunError

MOST_EXAMPLES = 2000
ALONE = 32
BATCH = 32
TOLERANCE = 1e-4  # of scores, absolute below 1 and relative above
WORKER = Path(__file__).with_name("proof_worker.py")
Request = tuple[str, dict[str, np.ndarray]]


@dataclass
class Proof:
    """What was checked of an export and what was found.

    Attributes:
      examples: Test examples answered in batches, and how many of them also alone.
      largest_difference: Of any floating output to the in-process model.
      near_ties: Answers that differ where the two best scores are within 1e-4 of each other.
      latency_ms: Median time of an example alone, in that process, on its CPU.
      metrics: Test metrics of the exported model's answers.
      cudnn: "present for GPU" where the graph holds each LSTM layer's cuDNN implementation, else what is missing.
      cudnn_functions: Library functions of the graph that hold the cuDNN implementation.
      edge_cases: What became of each legal and malformed input.
      faults: What failed; empty where the proof passed.
    """

    examples: int = 0
    alone: int = 0
    largest_difference: float = 0.0
    near_ties: int = 0
    latency_ms: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    cudnn: str = ""
    cudnn_functions: list[str] = field(default_factory=list)
    edge_cases: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    tensorflow: str = tf.__version__

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.faults

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps({"passed": self.passed, **asdict(self)}, indent=2) + "\n"


def prove(chain: Chain, export: Path, *, examples: Sequence[np.ndarray], truth: np.ndarray, expected: Answers) -> Proof:
    """Compares an export in a fresh process with the model in this one.

    Args:
      chain: The model in this process.
      export: Folder of the SavedModel.
      examples: Raw test examples; the first 2,000 are used.
      truth: Their targets.
      expected: The chain's answers to them, on the CPU.

    Returns:
      The report; its `faults` say what failed.
    """
    count = min(len(examples), MOST_EXAMPLES)
    examples, truth = list(examples[:count]), truth[:count]
    expected = {name: value[:count] for name, value in expected.items()}
    proof = Proof(examples=count, alone=min(ALONE, count))
    _check_graph(chain, export, proof)

    known = signatures(chain.input)
    served = known["serving_default"].pack
    cases = edges(chain.input, max(map(len, examples)))
    batched = [("serving_default", served(examples[at : at + BATCH])) for at in range(0, count, BATCH)]
    alone = [("serving_default", served([example])) for example in examples[: proof.alone]]
    legal = [(case, name) for case in cases.legal for name in known]
    edge = [(name, known[name].pack([cases.legal[case]])) for case, name in legal]
    streamed = _streamed(chain, examples[: proof.alone])
    try:
        asked = [*batched, *alone, *edge, *cases.malformed.values(), *streamed]
        found, took = answer_in_fresh_process(export, asked)
        answers = iter(found)
        proof.latency_ms = float(np.median(took[len(batched) : len(batched) + len(alone)]))
    except RunError as error:
        proof.faults.append(str(error))
        return proof

    together = _joined("in a batch", [next(answers) for _ in batched], proof)
    singly = _joined("alone", [next(answers) for _ in alone], proof)
    if together and singly:
        _compare("in a batch", together, expected, proof)
        _compare("alone", singly, {name: value[: proof.alone] for name, value in expected.items()}, proof)
        _check_metrics(chain, together, expected, truth, proof)
    function = chain.function()
    for case, name in legal:
        _check_legal(function, f"{case} ({name})", cases.legal[case], next(answers), proof)
    for case in cases.malformed:
        answer = next(answers)
        proof.edge_cases[case] = "refused" if isinstance(answer, str) else "answered"
        if not isinstance(answer, str):
            proof.faults.append(f"malformed input ({case}) got an answer instead of an error")
    heard = _joined("as a stream", [next(answers) for _ in streamed], proof) if streamed else None
    if heard:
        heard = {"text": np.char.strip(heard["text"].astype(bytes)).astype(object), "score": heard["score"]}
        _compare("as a stream", heard, {name: expected[name][: proof.alone] for name in heard}, proof)
    return proof


def _streamed(chain: Chain, examples: Sequence[np.ndarray]) -> list[Request]:
    """Requests for the same answers from the signature `stream`, a whole example each; none where there is none."""
    if obstacle(chain):
        return []
    stream = Stream(chain)
    state, about = np.zeros((1, stream.size), np.float32), stream.description()
    return [("stream", {"samples": filled_up(example, about)[None], "state": state}) for example in examples]


def answer_in_fresh_process(
    export: Path, requests: Sequence[Request]
) -> tuple[list[dict[str, np.ndarray] | str], list[float]]:
    """Each request's outputs, or its error's text, from a process with TensorFlow, no zoo and no GPU; and ms of each.

    Raises:
      RunError: The process died or could not load the export.
    """
    with tempfile.TemporaryDirectory() as scratch:
        asked, answered = Path(scratch, "requests"), Path(scratch, "answers")
        with tf.io.TFRecordWriter(str(asked)) as writer:
            for signature, inputs in requests:
                tensors = {name: tf.io.serialize_tensor(tf.constant(value)) for name, value in inputs.items()}
                writer.write(_record({"signature": signature.encode()} | {n: t.numpy() for n, t in tensors.items()}))
        command = [sys.executable, "-I", str(WORKER), str(export), str(asked), str(answered)]
        worker = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if worker.returncode:
            last = (worker.stderr.strip().splitlines() or ["no message"])[-1]
            raise RunError(f"a fresh process with only TensorFlow ended with {worker.returncode}: {last}")
        records = [_fields(record) for record in tf.data.TFRecordDataset(str(answered)).as_numpy_iterator()]
        took = [float(fields.pop("milliseconds")) for fields in records]
        return [_outputs(fields) for fields in records], took


def _record(fields: dict[str, bytes]) -> bytes:
    feature = {name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for name, value in fields.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def _fields(record: bytes) -> dict[str, bytes]:
    fields = tf.train.Example.FromString(record).features.feature
    return {name: field.bytes_list.value[0] for name, field in fields.items()}


def _outputs(values: dict[str, bytes]) -> dict[str, np.ndarray] | str:
    if "error" in values:
        return values["error"].decode(errors="replace").splitlines()[0]
    return {name: tf.make_ndarray(TensorProto.FromString(value)) for name, value in values.items()}


def _joined(how: str, answers: list[dict[str, np.ndarray] | str], proof: Proof) -> Answers | None:
    errors = [answer for answer in answers if isinstance(answer, str)]
    if errors:
        proof.faults.append(f"{len(errors)} requests {how} got an error: {errors[0]}")
        return None
    return concatenate(answers)


def _compare(how: str, found: Answers, expected: Answers, proof: Proof) -> None:
    """Notes how far two sets of answers are apart, and what is not equal that has to be."""
    if found.keys() != expected.keys():
        proof.faults.append(f"outputs {how} are {sorted(found)} and not {sorted(expected)}")
        return
    tied = np.zeros(len(next(iter(expected.values()))), bool)
    if "scores" in expected:
        best = np.sort(expected["scores"], axis=-1)
        tied = best[..., -1] - best[..., -2] <= TOLERANCE
    elif "score" in expected:  # of the best hypothesis: another one with an equal score is as good
        tied = np.abs(found["score"] - expected["score"]) <= TOLERANCE
    for name, value in expected.items():
        if not np.issubdtype(value.dtype, np.floating):
            different = found[name] != value
            proof.near_ties += int(np.count_nonzero(different & tied))
            if (different & ~tied).any():
                proof.faults.append(f"{np.count_nonzero(different & ~tied)} of {len(value)} {name}s {how} are others")
            continue
        difference = np.abs(found[name] - value) / np.maximum(1, np.abs(value))
        largest = float(np.max(difference, initial=0.0))
        proof.largest_difference = max(proof.largest_difference, largest)
        if not largest <= TOLERANCE:  # a NaN fails here too
            proof.faults.append(f"{name} {how} differs by up to {largest:.2g}, more than {TOLERANCE}")


def _check_metrics(chain: Chain, found: Answers, expected: Answers, truth: np.ndarray, proof: Proof) -> None:
    proof.metrics = chain.task.score(found, truth, chain.target)
    here = chain.task.score(expected, truth, chain.target)
    for name, value in here.items():
        if proof.near_ties == 0 and not np.isclose(proof.metrics[name], value, rtol=TOLERANCE, atol=1e-9):
            proof.faults.append(f"{name} is {proof.metrics[name]!r} through the export and {value!r} in this process")
    if proof.near_ties == 0 and proof.metrics.get("accuracy") != here.get("accuracy"):
        proof.faults.append(f"accuracy through the export {proof.metrics['accuracy']!r} is not {here['accuracy']!r}")


def _check_legal(
    function: Callable[..., dict[str, tf.Tensor]],
    case: str,
    raw: np.ndarray,
    answer: dict[str, np.ndarray] | str,
    proof: Proof,
) -> None:
    if isinstance(answer, str):
        proof.edge_cases[case] = f"error: {answer}"
        proof.faults.append(f"legal input ({case}) got an error: {answer}")
        return
    proof.edge_cases[case] = "answered"
    one = (np.array([raw], object), 1) if isinstance(raw, bytes) else (raw[None], len(raw))
    here = function(tf.constant(one[0]), tf.constant([one[1]], tf.int32))
    _compare(f"for {case}", answer, {name: value.numpy() for name, value in here.items()}, proof)


def _check_graph(chain: Chain, export: Path, proof: Proof) -> None:
    """Notes where cuDNN's op is: nowhere a CPU would run it, and for each LSTM in a function preferred for GPU."""
    model = SavedModel.FromString((export / "saved_model.pb").read_bytes())
    graph = model.meta_graphs[0].graph_def
    interfaces: dict[str, set[str]] = {"CPU": set(), "GPU": set()}
    for function in graph.library.function:
        device = function.attr["api_preferred_device"].s.decode() if "api_preferred_device" in function.attr else ""
        holds = any(node.op.startswith("CudnnRNN") for node in function.node_def)
        if holds:
            proof.cudnn_functions.append(function.signature.name)
            if device != "GPU":
                proof.faults.append(f"{function.signature.name} holds a cuDNN op and would run on a CPU")
        if device == ("GPU" if holds else "CPU"):
            interfaces[device].add(function.attr["api_implements"].s.decode())
    if any(node.op.startswith("CudnnRNN") for node in graph.node):
        proof.faults.append("the graph holds a cuDNN op outside any function and would run it on a CPU")
    layers, both = len(lstm_layers(chain.network)), len(interfaces["CPU"] & interfaces["GPU"])
    proof.cudnn = "present for GPU" if layers else "none needed, there is no LSTM layer"
    if both < layers:
        proof.cudnn = f"missing for {layers - both} of {layers} LSTM layers"
        proof.faults.append(f"the cuDNN implementation is {proof.cudnn}; take zoo.layers.LSTM, whose graph holds both")
