"""The model that MLflow logs: a zoo export behind MLflow's scoring server. Needs TensorFlow and MLflow, not the zoo.

Audio travels as base64 in JSON (`{"dataframe_split": {"columns": ["audio"], "data": [["<base64 of a WAV file>"]]}}`),
series as tensors (`{"inputs": {"values": [...], "length": [...]}}`).
"""

import mlflow
import numpy as np
import pandas as pd


class SavedModelServer(mlflow.pyfunc.PythonModel):
    """Answers with the signature `serving_default` of the SavedModel in the artifact `saved_model`."""

    def load_context(self, context):
        """Loads the SavedModel; `context.artifacts["saved_model"]` is its folder."""
        import tensorflow as tf

        self.tensorflow, self.folder = tf, context.artifacts["saved_model"]
        self.model = tf.saved_model.load(context.artifacts["saved_model"])
        self.call = self.model.signatures["serving_default"]

    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Answers to a table or a dict of inputs, one row an example.

        The type hint names the table only because MLflow warns without one and takes no union.

        Args:
          context: Unused.
          model_input: A pandas.DataFrame with a column, or a dict with an array, for each input of the signature.
          params: Unused.

        Returns:
          A pandas.DataFrame with a column for each output; a vector per example is a list.
        """
        inputs = {}
        for name, spec in self.call.structured_input_signature[1].items():
            column = model_input[name]
            values = column.tolist() if isinstance(column, pd.Series) else np.asarray(column)
            inputs[name] = self.tensorflow.constant(values, spec.dtype)
            if spec.dtype.is_floating and not np.isfinite(inputs[name].numpy()).all():
                raise ValueError(f"`{name}` must be finite numbers, and it has others")
        outputs = {name: value.numpy() for name, value in self.call(**inputs).items()}
        return pd.DataFrame({name: _column(value) for name, value in outputs.items()})


def _column(value):
    if value.dtype == object:
        return [text.decode() for text in value]
    return value.tolist()


mlflow.models.set_model(SavedModelServer())
