"""dlt's fastest documented ways: Arrow from DuckDB's CSV reader or from connectorx; Parquet files, or ADBC into PostgreSQL."""

import sys

import dlt
from dlt.sources.sql_database import sql_table

work, source, target, folder = sys.argv[1:5]
columns = sys.argv[5] if len(sys.argv) > 5 else ""


@dlt.resource(name="bench_rows")
def csv_rows():
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    reader = f"read_csv('{source}', header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}})"
    yield from connection.execute(f"FROM {reader}").fetch_record_batch(100_000)


if work == "postgresql-parquet":
    kwargs = {"return_type": "arrow_stream", "conn": source}
    rows = sql_table(source, "bench_rows", backend="connectorx", backend_kwargs=kwargs)
else:
    rows = csv_rows()
if work == "csv-postgresql":
    destination = dlt.destinations.postgres(target)
else:
    destination = dlt.destinations.filesystem(f"file://{target}")
pipeline = dlt.pipeline("bench", destination=destination, dataset_name="peer_dlt", pipelines_dir=folder)
pipeline.run(rows, loader_file_format="parquet", write_disposition="append").raise_on_failed_jobs()
