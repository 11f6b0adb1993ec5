# husk: make [WITH_CJSON=0] [WITH_SECCOMP=0] [WITH_BPF=0], make demo, make test, make check, make compliance.
# Everything goes into build/.

BUILD ?= build
ifeq ($(origin CC),default)
CC = gcc
endif
Q ?= @
PKG_CONFIG ?= pkg-config
have = $(shell $(PKG_CONFIG) --exists $(1) 2>/dev/null && echo 1 || echo 0)

# What a build leaves out is a clear error when a configuration needs it, and shown by `husk features`.
WITH_CJSON ?= $(call have,libcjson)
WITH_SECCOMP ?= $(call have,libseccomp)
WITH_BPF ?= 1

FEATURES = -DHUSK_WITH_CJSON=$(WITH_CJSON) -DHUSK_WITH_SECCOMP=$(WITH_SECCOMP) -DHUSK_WITH_BPF=$(WITH_BPF)
LIBS = $(if $(filter 1,$(WITH_CJSON)),-lcjson) $(if $(filter 1,$(WITH_SECCOMP)),-lseccomp)
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Werror
OPT ?= -O2 -g
HUSK_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Iinclude $(FEATURES) $(WARN) -fPIC -fstack-protector-strong $(OPT) $(CFLAGS)

HEADERS = $(wildcard include/*.h include/husk/*.h include/husk/impl/*.h include/husk/backend/*.h backends/*.h)
BACKENDS = $(patsubst backends/%.c,$(BUILD)/backends/%.o,$(wildcard backends/*.c))
COMMAND = $(patsubst examples/husk/%.c,$(BUILD)/command/%.o,$(wildcard examples/husk/*.c))
EXAMPLES = $(patsubst examples/%.c,$(BUILD)/%,$(wildcard examples/*.c))
TOOLS = $(patsubst tools/%.c,$(BUILD)/%,$(wildcard tools/*.c))

all: $(BUILD)/husk $(BUILD)/libhusk.a $(BUILD)/libhusk.so $(TOOLS) $(EXAMPLES)

# A changed switch rebuilds what depends on it.
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(HUSK_CFLAGS) $(LIBS)' | cmp -s - $@ || echo '$(CC) $(HUSK_CFLAGS) $(LIBS)' > $@

# The library's one translation unit of the headers' implementations.
$(BUILD)/implementation.c: $(BUILD)/flags
	@printf '#define HUSK_IMPLEMENTATION\n#include "husk.h"\n' > $@
$(BUILD)/implementation.o: $(BUILD)/implementation.c $(HEADERS) $(BUILD)/flags
	@echo "  $@"
	$(Q)$(CC) $(HUSK_CFLAGS) -c -o $@ $<
$(BUILD)/backends/%.o: backends/%.c $(HEADERS) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  $@"
	$(Q)$(CC) $(HUSK_CFLAGS) -c -o $@ $<
$(BUILD)/libhusk.a: $(BUILD)/implementation.o $(BACKENDS)
	@rm -f $@
	@echo "  $@"
	$(Q)$(AR) rcs $@ $^
$(BUILD)/libhusk.so: $(BUILD)/implementation.o $(BACKENDS)
	@echo "  $@"
	$(Q)$(CC) -shared -Wl,-soname,libhusk.so.0 -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ $(LIBS)
	@ln -sf libhusk.so $@.0

$(BUILD)/command/%.o: examples/husk/%.c $(HEADERS) $(wildcard examples/husk/*.h) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  $@"
	$(Q)$(CC) $(HUSK_CFLAGS) -Iexamples/husk -c -o $@ $<
$(BUILD)/husk: $(COMMAND) $(BUILD)/libhusk.a
	@echo "  $@"
	$(Q)$(CC) -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ $(LIBS)
	@[ '$(WITH_CJSON)$(WITH_SECCOMP)' = 11 ] || echo 'built without$(if $(filter 0,$(WITH_CJSON)), cJSON)$(if $(filter 0,$(WITH_SECCOMP)), libseccomp): `tools/deps build` installs what is missing'
$(TOOLS): $(BUILD)/%: tools/%.c $(BUILD)/libhusk.a $(HEADERS)
	@echo "  $@"
	$(Q)$(CC) $(HUSK_CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libhusk.a $(LIBS)
$(EXAMPLES): $(BUILD)/%: examples/%.c $(BUILD)/libhusk.a $(HEADERS)
	@echo "  $@"
	$(Q)$(CC) $(HUSK_CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libhusk.a $(LIBS)

include tests/tests.mk

clean:
	rm -rf $(BUILD)

FORCE:
.PHONY: all clean FORCE
