// The same program as C++.
#include <cstdint>
#include "every_call.c"
