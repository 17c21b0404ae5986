"""Answers requests with a SavedModel in a process that has TensorFlow and nothing of the zoo.

Usage: python -I proof_worker.py EXPORT REQUESTS ANSWERS. Both files are TFRecords of `tf.train.Example`, one a request;
each feature holds one serialized tensor; the feature `signature` of a request names what to call, and an answer has
the feature `error` where the call failed, and `milliseconds` that it took.
"""

import os
import sys
import time

sys.modules["zoo"] = sys.modules["keras"] = None  # an export that needs either fails here
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf  # noqa: E402


def _bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _answer(loaded, record):
    fields = tf.train.Example.FromString(record).features.feature
    features = {name: field.bytes_list.value[0] for name, field in fields.items()}
    call = loaded.signatures[features.pop("signature").decode()]
    specs = call.structured_input_signature[1]
    try:
        outputs = call(**{name: tf.io.parse_tensor(value, specs[name].dtype) for name, value in features.items()})
    except Exception as error:  # any error is an answer to a malformed request; a crash would end this process
        return {"error": _bytes(str(error).encode())}
    return {name: _bytes(tf.io.serialize_tensor(value).numpy()) for name, value in outputs.items()}


def main(export, requests, answers):
    """Answers every request of a file; all three are paths."""
    loaded = tf.saved_model.load(export)
    with tf.io.TFRecordWriter(answers) as writer:
        for record in tf.data.TFRecordDataset(requests).as_numpy_iterator():
            began = time.perf_counter()
            feature = _answer(loaded, record)
            feature["milliseconds"] = _bytes(b"%.3f" % ((time.perf_counter() - began) * 1000))
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


if __name__ == "__main__":
    main(*sys.argv[1:])
