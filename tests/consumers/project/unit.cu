#include "../unit.cpp"
