"""The checks of the house find what they are there to find."""

from __future__ import annotations

import pytest
from house_rules import READERS, WORKER, problems_in, source_files


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("audit_core/audit.py", "import pickle\n"),
        ("audit_core/audit.py", "from joblib import load\n"),
        ("pages/data.py", "import joblib\nmodel = joblib.load(path)\n"),
        ("audit_core/sources/scoring.py", "import cloudpickle\n"),
        ("audit_core/evidence/stored.py", "np.load(file, allow_pickle=True)\n"),
        (READERS[0], "import pickle\npickle.loads(raw)\n"),
        (READERS[1], "import pickle\npickle.Unpickler(file).load()\n"),
        (READERS[1], "import joblib\n"),
        ("pages/gaps.py", "st.markdown(name, unsafe_allow_html=True)\n"),
        ("pages/gaps.py", "@st.cache_data(max_entries=1)\ndef f(): ...\n"),
        ("pages/ui/cached.py", "@st.cache_data\ndef f(): ...\n"),
        ("pages/ui/cached.py", "@st.cache_resource  # for ever\ndef f(): ...\n"),
        ("pages/gaps.py", "st.session_state['x'] = 1\n"),
        ("audit_core/audit.py", "def f():\n" + "    x = 1\n" * 61),
        ("audit_core/audit.py", "x = 1\n" * 401),
        ("pages/gaps.py", "x = 1\n" * 121),
        ("app.py", "x = 1\n" * 61),
    ],
)
def test_what_is_forbidden_is_found(name, code):
    assert problems_in(name, code)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (WORKER, "import pickle\nimport joblib\njoblib.load(file)\n"),
        (READERS[0], "import pickle\nStep = pickle._Unpickler\nCODE = pickle.STOP\n"),
        ("audit_core/audit.py", 'WORDS = "joblib.load runs its author\'s code"\n# pickle\n'),
        ("pages/ui/cached.py", "@st.cache_data(max_entries=1)\ndef f(): ...\n"),
        ("pages/ui/session.py", "st.session_state\n"),
    ],
)
def test_what_is_allowed_is_not(name, code):
    assert not problems_in(name, code)


def test_the_whole_product_is_looked_at():
    found = {file.name for file in source_files()}
    assert {"app.py", "cached.py", "model_worker.py", "generate.py"} <= found
