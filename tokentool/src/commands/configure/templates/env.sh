# For a shell: . @config@/env.sh
export TOKENKEEP_DIR="@tokens@"
# What scripts, bindings and examples read.
export PKCS11_MODULE="@module@"
export PKCS11_TOKEN="@token@"
# OpenSSL's engine, OpenSSL's provider, pkcs11-spy.
export PKCS11_MODULE_PATH="@module@"
export PKCS11_PROVIDER_MODULE="@module@"
export PKCS11SPY="@module@"
