# SPDX-License-Identifier: MIT
"""Options of obstore that it does not take from the environment by itself: emulators, endpoints, profiles."""

from __future__ import annotations

import os
from typing import Any

SCHEMES = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gs",
    "az": "az",
    "azure": "az",
    "adl": "az",
    "abfs": "az",
    "abfss": "az",
    "http": "http",
    "https": "http",
}
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    "http": (),
}


def obstore_options(scheme: str) -> dict[str, Any]:
    """Return the options of a store for URLs of a scheme. An address without TLS is allowed only if it is given."""
    cloud = SCHEMES[scheme]
    options: dict[str, Any] = {}
    if cloud == "s3" and not os.environ.get("AWS_ACCESS_KEY_ID"):
        options = _profile()
    if cloud == "gs":
        options = _google_emulator()
    if cloud == "az":
        options = _azure_connection(os.environ.get("AZURE_STORAGE_CONNECTION_STRING") or "")
    given = next((os.environ[name] for name in _ENDPOINTS[cloud] if os.environ.get(name)), "")
    address = options.get("base_url") or options.get("endpoint") or given
    client = {"timeout": "1 day"}  # who asks has a shorter one
    if scheme == "http" or address.startswith("http://"):
        client["allow_http"] = "true"
    return {**options, "client_options": client, "retry_config": {"max_retries": 0}}


def _profile() -> dict[str, Any]:
    """Return boto3's credentials, which knows profiles and logins, where it is installed and finds any."""
    try:
        import boto3
        from obstore.auth.boto3 import Boto3CredentialProvider

        session = boto3.Session()
        return {} if session.get_credentials() is None else {"credential_provider": Boto3CredentialProvider(session)}
    except ImportError:
        return {}


def _google_emulator() -> dict[str, Any]:
    """Return where the emulator is that Google's own libraries would ask, too."""
    host = os.environ.get("STORAGE_EMULATOR_HOST")
    if not host:
        return {}
    return {"base_url": (host if "://" in host else f"http://{host}").rstrip("/"), "skip_signature": True}


def _azure_connection(text: str) -> dict[str, Any]:
    """Return what a connection string of Azure says."""
    said = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    if said.get("UseDevelopmentStorage", "").lower() == "true":
        return {"use_emulator": True}
    options: dict[str, Any] = {}
    for name, option in (
        ("AccountName", "account_name"),
        ("AccountKey", "account_key"),
        ("BlobEndpoint", "endpoint"),
        ("SharedAccessSignature", "sas_key"),
    ):
        if said.get(name):
            options[option] = said[name].rstrip("/")
    return options
