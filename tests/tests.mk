# Tests: make test runs all that this machine can. Each program prints TAP; tests/run counts.
# VIEWS: the cgroup layouts that integration tests see (see tests/lib/harness.py).

UNIT = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
APPLY = $(patsubst tests/apply/%.c,%,$(wildcard tests/apply/test_*.c))
SIM = $(patsubst tests/sim/%.c,%,$(wildcard tests/sim/test_*.c))
FUZZ = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
INTEGRATION = $(wildcard tests/integration/*.py)
TEST_PROGRAMS = $(addprefix $(BUILD)/tests/,$(UNIT) $(APPLY) $(SIM) $(FUZZ))
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
vpath %.c tests/unit tests/apply tests/sim tests/fuzz

$(BUILD)/tests/%: %.c $(BUILD)/libhusk.a $(HEADERS) $(wildcard tests/unit/*.h tests/apply/*.h tests/sim/*.h)
	@mkdir -p $(@D)
	@echo "  $@"
	$(Q)$(CC) $(HUSK_CFLAGS) -Itests/unit -Ibackends -o $@ $< $(BUILD)/libhusk.a $(LIBS)
$(foreach t,$(FUZZ),$(BUILD)/tests/$(t)): $(wildcard tests/fuzz/*.h)
$(BUILD)/tests/probe: tests/differential/probe.c
	@mkdir -p $(@D)
	@echo "  $@"
	$(Q)$(CC) -O1 -std=gnu11 -Wall -Wextra -Werror -static -o $@ $<

test-programs: all $(TEST_PROGRAMS) $(BUILD)/tests/probe

# The same programs and the command itself under the address and undefined behaviour sanitizers.
asan:
	@echo "== $@"
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan OPT='-O1 -g' CFLAGS='$(SANITIZE)' LDFLAGS='$(SANITIZE)' test-programs
clang:
	@echo "== $@"
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/clang CC=clang all
# What a vendor without libraries builds: nothing but libc.
bare:
	@echo "== $@"
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/bare WITH_CJSON=0 WITH_SECCOMP=0 WITH_BPF=0 all

# One file a process: the analyser of clang 14 carries va_list state from one file into the next.
tidy: $(BUILD)/implementation.c
	@echo '== tidy'
	@echo $(BUILD)/implementation.c $(wildcard backends/*.c examples/*.c examples/husk/*.c tools/*.c) | xargs -n 1 -P 2 sh -c \
	    'clang-tidy --quiet --warnings-as-errors="*" "$$0" -- -std=gnu11 -D_GNU_SOURCE -Iinclude -Iexamples/husk $(FEATURES) 2>/dev/null'

PARALLEL = $(foreach t,$(UNIT) $(SIM),$(BUILD)/tests/$(t) '$(t) (asan): $(BUILD)/asan/tests/$(t)') \
	$(foreach t,$(FUZZ),'$(t): $(BUILD)/asan/tests/$(t) tests/fuzz/corpus/$(patsubst fuzz_%,%,$(t))/*') \
	'fuzz_config (golden): $(BUILD)/asan/tests/fuzz_config tests/golden/spec/*.json' 'schema: tests/schema/run.py' \
	'headers: tools/check-headers' 'layering: tools/check-layering' 'child: tools/check-child' 'golden: tests/golden/run'
SERIAL = $(foreach t,$(APPLY),$(BUILD)/tests/$(t) '$(t) (asan): $(BUILD)/asan/tests/$(t)') $(INTEGRATION) \
	'compliance: tests/compliance/run --report' 'compliance (of nothing): tests/compliance/run --prove' tests/schema/outputs.py \
	tests/engines/podman.py tests/badconfig/run.py 'badconfig (asan): HUSK=$(BUILD)/asan/husk tests/badconfig/run.py' tests/differential/run.py

check: test-programs asan clang bare
	@BUILD=$(abspath $(BUILD)) HUSK=$(abspath $(BUILD)/husk) tests/run -j 2 $(PARALLEL) -- $(SERIAL)
test:
	@tools/deps test
	@$(MAKE) --no-print-directory tidy check
demo:
	@tools/deps build
	@$(MAKE) --no-print-directory -j 2 all
	@BUILD=$(BUILD) tools/demo

# Row by row: what the specification asks for, and which test shows it; build/compliance.md.
compliance: all $(BUILD)/tests/probe
	@BUILD=$(abspath $(BUILD)) tests/compliance/run --report

.PHONY: compliance test-programs asan clang bare tidy check test demo

# Measured, never asserted: husk, runc, crun and the kernel's floor, interleaved.
bench: all
	@BUILD=$(BUILD) bench/run
.PHONY: bench

# The planner, and the reader of its text, on inputs from anywhere: libFuzzer, for FUZZ_SECONDS each.
FUZZ_SECONDS ?= 60
fuzz:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang OPT='-O1 -g' CFLAGS='$(SANITIZE) -fsanitize=fuzzer -DHUSK_FUZZER' \
	    $(foreach t,$(FUZZ),$(BUILD)/fuzz/tests/$(t))
	@tests/fuzz/prepare $(BUILD)/fuzz
	@for t in $(patsubst fuzz_%,%,$(FUZZ)); do $(BUILD)/fuzz/tests/fuzz_$$t -dict=$(BUILD)/fuzz/$$t.dict -max_len=16384 -timeout=20 \
	    -artifact_prefix=$(BUILD)/fuzz/ -max_total_time=$(FUZZ_SECONDS) $(BUILD)/fuzz/$$t > $(BUILD)/fuzz/$$t.log 2>&1 || \
	    { tail -60 $(BUILD)/fuzz/$$t.log; exit 1; }; echo "fuzz_$$t: $$(tail -1 $(BUILD)/fuzz/$$t.log)"; done
.PHONY: fuzz
