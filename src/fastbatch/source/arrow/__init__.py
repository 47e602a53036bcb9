# SPDX-License-Identifier: MIT
"""Tables of Arrow: of pyarrow, Polars, pandas, DuckDB and Hugging Face datasets, and Parquet and Feather files."""
