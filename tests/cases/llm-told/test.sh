# What is told of a provider that is set up wrongly, and how often; and what a refused run leaves.
. "$TAF_TOP/tests/cases/kit/llm.sh"
server_on server --auth "$CASE_KEY"
llm_project p 'in_flight: 8' 'price_in: 2'
# A pipeline without scenarios: the kit's are too small for check.
mkdir c && cp p/calls.jsonl c/
sed -e '/name: agents/,$d' p/pipeline.yaml >c/pipeline.yaml
echo '  - {name: think, uses: annotate, needs: [calls], with: {provider: writer}}' >>c/pipeline.yaml
check() { taf check -f c/pipeline.yaml "$@"; }

# --- Where it is ---
for port_of in 0 65536 80a 99999999999999999999; do
	check --set "providers.writer.base_url=http://127.0.0.1:$port_of/v1"
	is "port $port_of: refused" $? 2
	has "port $port_of: told" err "provider writer: base_url: '$port_of' is no port: a number from 1 to 65535"
done
for host in 127.0.0.1:65535 '[::1]:8000' localhost localhost:1; do
	check --set "providers.writer.base_url=http://$host/v1"
	is "$host: accepted" "$? $(cat err)" "0 "
done
check --set 'providers.writer.base_url=http://llm.example:8000/v1'
is "plain: no error" $? 0
has "plain: the key is seen" err "warning: provider writer: base_url is http://, so the key of CASE_KEY and all texts go to llm.example unencrypted"
check --set 'providers.writer.base_url=https://llm.example/v1'
is "https: nothing to say" "$(cat err)" ""
check --set 'providers.writer.base_url=http://llm.example/v1' --set 'providers.writer.api_key_env=""'
is "no key: nothing to say" "$(cat err)" ""
check --online --set "providers.writer.base_url=https://127.0.0.1:$port/v1"
is "no TLS: refused" $? 2
has "no TLS: told" err "TLS"
has "no TLS: way out" err "did you mean http://?"

# --- Values ---
sed 's/in_flight: 8/fallback_models: [other-model, third, other-model]/' c/pipeline.yaml >c/twice.yaml
taf check -f c/twice.yaml
is "named twice: refused" $? 2
has "named twice: told with its place" err "c/twice.yaml:$(grep -n fallback c/twice.yaml | cut -d: -f1):"
has "named twice: and its line" err '        fallback_models: [other-model, third, other-model]'
sed 's/in_flight: 8/in_flight: "32"/' c/pipeline.yaml >c/quoted.yaml
taf check -f c/quoted.yaml
is "quoted: refused" $? 2
has "quoted: told" err "in_flight: expected an integer, got the text '32': write the number without quotes"
sed 's/in_flight: 8/in_flight: "many"/' c/pipeline.yaml >c/quoted.yaml
taf check -f c/quoted.yaml
has "quoted: no number" err "in_flight: expected an integer, got 'many'"
sed 's/in_flight: 8/extra: {thinking: {type: disabled}}/' c/pipeline.yaml >c/nested.yaml
taf check -f c/nested.yaml
is "nested: refused" $? 2
has "nested: told" err "extra: thinking: expected a plain value, got a map; write it as thinking.type: …"
sed 's/in_flight: 8/extra: {stops: [a, b]}/' c/pipeline.yaml >c/nested.yaml
taf check -f c/nested.yaml
has "nested: list" err "extra: stops: expected a plain value, got a list"

# --- Once ---
CASE_KEY=sk-wrong-0815ab taf run -f p/pipeline.yaml -w w
is "401: exit status" $? 1
cat out err >said
is "401: told once" "$(grep -c '401' said)" 1
is "401: with its stage" "$(grep -cE '(agents|think): stopped: ' err)" 1
taf run -f p/pipeline.yaml -w w --max-cost 0.000001
is "budget: exit status" $? 4
is "budget: with its stage" "$(grep -cE '(agents|think): .*--max-cost is' err)" 1

# --- A refused run leaves no folder; one that did something keeps it ---
(unset CASE_KEY; taf run -f p/pipeline.yaml -w new)
is "refused: exit status" $? 2
if [ -e new ]; then bad "refused: no folder" "$(ls new)"; else ok "refused: no folder"; fi
mkdir mine && echo kept >mine/note
(unset CASE_KEY; taf run -f p/pipeline.yaml -w mine)
is "refused: a folder that was there" "$? $(cat mine/note)" "2 kept"
taf run -f p/pipeline.yaml -w new --until calls
(unset CASE_KEY; taf run -f p/pipeline.yaml -w new)
is "refused: what is done stays" "$? $(ls new/taf.db)" "2 new/taf.db"

# --- A folder that may not be written; root may do anything, so it goes without that right ---
mayless=()
[ "$(id -u)" -ne 0 ] || mayless=(setpriv --bounding-set=-dac_override,-dac_read_search)
chmod -R a-w new
"${mayless[@]}" "$TAF" plan -f p/pipeline.yaml -w new --until clean >out 2>err
is "read-only: plan" $? 1
has "read-only: why" err "no right to read and write in new"
chmod -R u+w new
no_key "no key" w new out err

# --- check --online, where the first model does not answer and another does ---
server_on models --models other-model
check --online --set "providers.writer.base_url=http://127.0.0.1:$port/v1"
is "no model: refused" $? 2
has "no model: told" err "case-model"
check --online --set "providers.writer.base_url=http://127.0.0.1:$port/v1" --set 'providers.writer.fallback_models=[third-model, other-model]'
is "fallback: accepted" $? 0
has "fallback: who answered" out "provider writer (openai): other-model answered in "
has "fallback: a warning" err "warning: provider writer: missing: case-model: "
has "fallback: in its place" err "other-model answered in its place"
