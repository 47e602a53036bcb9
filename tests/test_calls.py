# SPDX-License-Identifier: MIT
"""Wrong calls of public functions: messages name the public function, the option, and the most similar valid one."""

import inspect
import pickle
import pydoc
import tarfile

import numpy as np
import pyarrow as pa
import pytest
from making import make_photos

import fastbatch
from fastbatch import pure
from fastbatch.calls import signature_of, takes

FUNCTIONS = [name for name in fastbatch.__all__ if not isinstance(getattr(fastbatch, name), type)]
CLASSES = ["DataGenerator", "ImageDataLoader", "TimeSeriesDataset", "Augment", "Vocabulary"]
X = np.arange(60, dtype=np.float32).reshape(20, 3)

PRIVATE = ("_make", "Surface", "Backend", "__init__", "LoaderOptions", "TextOptions", "make_plan", "got an unexpected")


@pytest.fixture
def data(tmp_path):
    """Return a function: name -> positional arguments of a valid call."""
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "x.npz", x=X)
    (tmp_path / "x.raw").write_bytes(X.tobytes())
    (tmp_path / "x.idx").write_bytes(b"\0\0\x08\x01\0\0\0\x03abc")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "words.txt").write_text("one two\nthree\n")
    photos = make_photos(tmp_path / "photos", 2)
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(tmp_path / "words.txt", "words.txt")
    photo = next(photos.rglob("*.jpg"))
    text = tmp_path / "words.txt"
    labels = np.zeros(1, np.int64)
    return {
        "arrays": (X,),
        "check_ranks": (fastbatch.arrays(X),),
        "concat": (fastbatch.arrays(X),),
        "csv": (tmp_path / "x.csv",),
        "cutmix": (fastbatch.arrays(X, X),),
        "decode": (photo,),
        "documents": (np.arange(9), None),
        "field": (X,),
        "get_include": (),
        "idx": (tmp_path / "x.idx",),
        "image_generator": ([photo], labels),
        "image_table": (tmp_path / "x.csv",),
        "images": (photos,),
        "lines": (text,),
        "merge_states": ([fastbatch.arrays(X).state_dict()],),
        "mix": ({fastbatch.arrays(X): 1},),
        "mixup": (fastbatch.arrays(X, X),),
        "npy": (tmp_path / "x.npy",),
        "npz": (tmp_path / "x.npz",),
        "pack": (np.arange(9), None, 5),
        "probe": (photos,),
        "rank_digest": (fastbatch.arrays(X),),
        "raw": (tmp_path / "x.raw", "f4", -1),
        "resize": (np.zeros((4, 4), np.uint8), 2),
        "restartable": (range, 3),
        "series": ([X, X],),
        "statistics": (X,),
        "stream": ([1, 2],),
        "table": (pa.table({"x": [1.0, 2.0]}),),
        "tar": (tmp_path / "x.tar",),
        "text_generator": (text, 2),
        "tokens": (np.arange(50), None, 4),
        "verify": (photos,),
        "vocabulary": (text,),
        "windows": (X,),
        "words": (text,),
        "zip": (fastbatch.arrays(X),),
    }


def options_of(function):
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [p for p in inspect.signature(function).parameters.values() if p.kind is keyword]


def test_every_public_function_is_here(data):
    assert {
        name for name in FUNCTIONS if name in ("class_weight", "encoded", "show_config", "subset") or name in data
    } == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_option_is_named_with_the_public_function(api, data, name):
    if name == "restartable":
        pytest.skip("all other options go to the user's function")
    function = getattr(api, name)
    with pytest.raises(TypeError) as raised:
        function(*data.get(name, ()), no_such_option=1)
    assert str(raised.value) == f"{name}() has no option 'no_such_option'"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_misspelt_option_is_answered_with_the_nearest(api, data, name):
    if name == "restartable":
        pytest.skip("all other options go to the user's function")
    function = getattr(api, name)
    for option in options_of(function):
        if len(option.name) > 4 and not any(
            option.name in other.name for other in options_of(function) if other != option
        ):
            with pytest.raises(TypeError) as raised:
                function(*data.get(name, ()), **{option.name + "s_": 1})
            expected = f"{name}() has no option '{option.name}s_'; did you mean '{option.name}'?"
            assert str(raised.value) == expected


# Options that accept any value: data, a function's argument, or a truth value.
ANYTHING = {"drop_last", "copy", "index_cache", "exact", "dct_scale", "replacement", "follow", "header", "keepends"}
WRONG = object()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_type_is_named_with_its_option(api, data, name):
    """Pass an object of a new class as each option: the message names the option and no private name."""
    function = getattr(api, name)
    required = {"length": 3} if name == "windows" else {}
    silent = []
    for option in options_of(function):
        if name == "restartable" and option.name not in ("length", "prefetch", "shard"):
            continue
        try:
            function(*data.get(name, ()), **{**required, option.name: WRONG})
        except Exception as error:
            message = str(error)
            assert not any(word in message for word in PRIVATE), (option.name, message)
            assert len(message) < 400, (option.name, message)
            assert option.name.split("_")[0] in message or "expected" in message, (option.name, message)
        else:
            silent.append(option.name)
    assert set(silent) <= ANYTHING | {"flip", "vertical_flip", "boxes", "keypoints"}, silent


@pytest.mark.parametrize("name", FUNCTIONS)
def test_missing_and_superfluous_arguments(api, data, name):
    function = getattr(api, name)
    required = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    required = [p for p in required if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if required:
        with pytest.raises(TypeError) as raised:
            function()
        assert str(raised.value) == f"{name}(): missing a required argument: '{required[0].name}'"
    if not any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(function).parameters.values()):
        with pytest.raises(TypeError) as raised:
            function(*range(20))
        assert str(raised.value).startswith(f"{name}(): too many positional arguments")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_plain_functions(api, name):
    function = getattr(api, name)
    assert inspect.isfunction(function)
    assert function.__name__ == function.__qualname__ == name
    assert function.__module__ == api.__name__
    assert function.__doc__ and "Return" in function.__doc__.splitlines()[0]
    assert pickle.loads(pickle.dumps(function)) is function
    assert inspect.signature(function) == inspect.signature(getattr(fastbatch, name))
    shown = pydoc.render_doc(function, renderer=pydoc.plaintext)
    assert f"{name}(" in shown and "backend" not in shown.split(")")[0]
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.name in ("args", "kwargs") or parameter.kind is not parameter.VAR_KEYWORD, parameter


def test_help_shows_one_option_a_line():
    lines = pydoc.render_doc(fastbatch.images, renderer=pydoc.plaintext).splitlines()
    for option in options_of(fastbatch.images):
        assert sum(line.startswith(f"    {option.name}: ") for line in lines) == 1, option.name


@pytest.mark.parametrize("name", CLASSES)
def test_classes_name_themselves(api, name):
    with pytest.raises(TypeError, match=rf"^{name}\(\)|{name}\.__init__\(\) got") as raised:
        getattr(api, name)(no_such_option=1)
    assert "_backend" not in str(raised.value)


def test_options_of_another_function_are_taken_over():
    def inner(backend, data, *, size, depth=1, width=2):
        """Return nothing."""

    @takes(inner)
    def outer(backend, data, *, width=3, **options):
        """Return nothing."""

    assert str(signature_of(outer, skip=1)) == "(data, *, width=3, data, depth=1)".replace("data, depth", "depth")


def test_pure_is_the_same_in_name():
    assert fastbatch.__all__ == pure.__all__


LOADERS = {
    "arrays": "SampleLoader",
    "words": "TextLoader",
    "restartable": "RestartableGeneratorWrapper",
    "stream": "Stream",
}


@pytest.mark.parametrize("name", LOADERS)
def test_methods_of_loaders_name_themselves(api, data, name):
    """Every public method with parameters, of every kind of loader, explains a wrong option in its own words."""
    loader = getattr(api, name)(*data[name])
    for method in dir(type(loader)):
        function = getattr(type(loader), method)
        if method.startswith("_") or not inspect.isfunction(function):
            continue
        parameters = list(inspect.signature(function).parameters.values())[1:]
        if not parameters or method in ("on_epoch_begin", "on_epoch_end"):
            continue
        with pytest.raises(TypeError) as raised:
            getattr(loader, method)(no_such_option=1)
        assert str(raised.value) == f"{LOADERS[name]}.{method}() has no option 'no_such_option'"
    with pytest.raises(TypeError, match=rf"{LOADERS[name]}.take\(\): missing a required argument: 'n'"):
        loader.take()
    with pytest.raises(TypeError, match=rf"{LOADERS[name]}.map\(\) has no option 'eachs'; did you mean 'each'\?"):
        loader.map(len, eachs="sample")
    loader.close()


def test_right_calls_cost_nothing(monkeypatch, api):
    """A signature is compared only after a wrong call: methods are called for each batch, functions for each image."""
    loader = api.arrays(X, batch_size=4)
    vocabulary = fastbatch.Vocabulary(["a", "b"])

    def compared(*arguments, **options):
        raise AssertionError("a right call was compared with its signature")

    monkeypatch.setattr(inspect.Signature, "bind", compared)
    assert len(list(loader.take(2))) == 2
    assert vocabulary.encode(["b"]).tolist() == [1]
    assert api.resize(np.zeros((4, 4, 3), np.uint8), 2).shape == (2, 2, 3)


def test_an_error_of_the_type_from_inside_is_left_as_it_is(api):
    class Wrong:
        def __iter__(self):
            return len(5)

    with pytest.raises(TypeError, match="object of type 'int' has no len"):
        fastbatch.Vocabulary(["a"]).decode(Wrong())
    with pytest.raises(TypeError, match="object of type 'int' has no len"):
        next(api.stream(Wrong()))
