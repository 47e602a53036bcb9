# SPDX-License-Identifier: MIT
"""A Keras callback that makes training resumable after any batch."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from fastbatch.loader.keras_ready import KerasReady, both, passes_of

_FILE = "fastbatch_loader.json"
_BASES = "keras.src.callbacks.callback"


class BackupLoader:
    """Callback that saves the state of a loader whenever Keras's `BackupAndRestore` saves the model, and restores both.

    After a restart the model continues with the first batch that it had not seen when it was saved. The interrupted
    epoch is finished first; Keras, which counts whole epochs, then warns once that its data ran out.

    Args:
        loader: The data that is given to `fit`: a `Loader`, or the result of `restartable`.
        backup: The `BackupAndRestore` of the same `fit`. The loader's state is stored in its folder and deleted with
            it.

    Raises:
        StateError: The backup is one of other data.
        ValueError: In `fit`: it trains on other data than the loader.
        TypeError: The loader has no state, or `backup` is not a `BackupAndRestore`.
        ImportError: Keras is not imported.

    Example:
        The state is restored here if there is a backup:

            backup = keras.callbacks.BackupAndRestore("backup", save_freq=100)
            resume = BackupLoader(train, backup)
            model.fit(train, epochs=10, callbacks=[backup, resume])

    Source: Keras's `keras/src/callbacks/backup_and_restore.py` decides when the model is saved.
    """

    def __new__(cls, loader: Any, backup: Any) -> Any:
        module = sys.modules.get(_BASES)
        if module is None:
            raise ImportError("BackupLoader is a callback for Keras 3: import keras first")
        ours: Any = cls
        return object.__new__(both(ours, module.Callback))

    def __init__(self, loader: Any, backup: Any) -> None:
        if not isinstance(loader, KerasReady) or not hasattr(loader, "load_state_dict"):
            raise TypeError(f"loader: expected a Loader or a restartable, found {type(loader).__name__}")
        if not hasattr(backup, "backup_dir") or not hasattr(backup, "_save_model"):
            raise TypeError(f"backup: expected a BackupAndRestore, found {type(backup).__name__}")
        super().__init__()
        self._loader = loader
        self._path = os.path.join(os.fspath(backup.backup_dir), _FILE)
        self._weights = os.fspath(backup._weights_path)
        self._backup = backup
        self._before_epoch = 0  # batches of this `fit` trained on before the current epoch
        self._seen = 0  # batches of this `fit` trained on so far
        self._save_model = backup._save_model
        backup._save_model = self._save_both
        self._load_model = backup._load_model
        backup._load_model = self._load_both
        self._epoch_was_over = False
        self._saved = self._restore()
        passes_of(loader).keep_states()

    def _restore(self) -> Any:
        try:
            with open(self._path, encoding="utf-8") as file:
                record = json.load(file)
        except FileNotFoundError:
            return None
        # "next" is written before the model is saved: it is valid if the weights have changed since.
        state = record["state"] if record["weights"] == self._weights_identity() else record["next"]
        if state is not None:
            self._loader.load_state_dict(state)
            if self._loader._next_length() == 0:
                list(self._loader)  # advances to the next epoch
                self._epoch_was_over = not record["epoch_end"]
        return state

    def _load_both(self) -> None:
        self._load_model()
        if self._epoch_was_over:  # the epoch's last batch was done, but Keras had not counted the epoch
            model: Any = getattr(self, "model")  # noqa: B009  # Keras's property
            model._initial_epoch = (model._initial_epoch or 0) + 1
            self._epoch_was_over = False

    def _save_both(self) -> None:
        seen = self._seen
        if self._backup.save_freq != "epoch":  # called at the end of a batch, maybe before on_train_batch_end
            seen = self._before_epoch + self._backup._last_batch_seen + 1
        state = passes_of(self._loader).state_after(seen) if seen else self._saved
        self._write(self._saved, state)
        self._save_model()
        self._saved = state
        self._write(state, state)

    def _weights_identity(self) -> list[int] | None:
        try:
            facts = os.stat(self._weights)
        except FileNotFoundError:
            return None
        return [facts.st_size, facts.st_mtime_ns, facts.st_ino]

    def _write(self, state: Any, following: Any) -> None:
        epoch_end = self._backup.save_freq == "epoch"
        record = {"state": state, "next": following, "weights": self._weights_identity(), "epoch_end": epoch_end}
        os.makedirs(os.path.dirname(self._path) or ".", exist_ok=True)
        with open(self._path + ".new", "w", encoding="utf-8") as file:
            json.dump(record, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self._path + ".new", self._path)

    def on_train_begin(self, logs: Any = None) -> None:
        """Count from here."""
        self._seen = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Count this epoch's batches."""
        self._before_epoch = self._seen
        self._backup._current_epoch = epoch  # after a restart, Keras's callback assumes epoch 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the batch; under `steps_per_execution`, all up to it."""
        if not passes_of(self._loader).has_given():
            raise ValueError(
                "BackupLoader: fit() reads other data; give it the loader that fit() gets, after map() and take()"
            )
        self._seen = self._before_epoch + batch + 1
