# Runs one PostgreSQL server for as long as the process at the other end of stdin lives.
# Usage: sh -c "$(cat run.sh)" run.sh BINARIES DIRECTORY OPTIONS
#
# Says "ready" on stdout when the server accepts connections; ends without it when something failed, and the reason is in
# DIRECTORY/*.log. A line on stdin ("fast" or "immediate") stops the server and keeps its data. The end of stdin stops
# it and removes DIRECTORY.
binaries=$1 directory=$2 options=$3
data=$directory/data

if [ ! -f "$data/PG_VERSION" ]; then
	"$binaries/initdb" --pgdata="$data" --username=postgres --pwfile="$directory/password" --auth=scram-sha-256 \
		--encoding=UTF8 --locale=C --no-sync --no-instructions </dev/null >"$directory/initdb.log" 2>&1 || exit 1
fi
"$binaries/pg_ctl" start --wait --timeout=60 --silent --pgdata="$data" --log="$directory/server.log" \
	--options="$options" </dev/null >"$directory/start.log" 2>&1 || exit 1
echo ready

if read -r mode; then
	exec "$binaries/pg_ctl" stop --wait --timeout=60 --silent --pgdata="$data" --mode="$mode" >"$directory/stop.log" 2>&1
fi
"$binaries/pg_ctl" stop --wait --timeout=60 --silent --pgdata="$data" --mode=immediate >/dev/null 2>&1
rm -rf "$directory"
