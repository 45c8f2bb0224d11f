/* C calls a reduction and gets numbers, or an error's sentence. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gauss.h"

enum { rows = 37, columns = 53 };

int main(void) {
  static float X[3 * rows], Y[3 * columns], B[columns], a[rows];
  const float g = 0.5f;
  kf_array arguments[4], result;
  char message[256];
  const char* expected =
      "argument 1 (y1, Vj<1, 3>) of Sum(exp(-p3 |x0 - y1|^2) y2): rows of dimension 2 were given, 3 are needed";
  int i, j, k, wrong = 0;
  for (k = 0; k < 3 * rows; ++k) X[k] = (float)(k * 7 % 11) / 8;
  for (k = 0; k < 3 * columns; ++k) Y[k] = (float)(k * 5 % 13) / 8;
  for (k = 0; k < columns; ++k) B[k] = (float)(k % 3 + 1);

  arguments[0] = kf_floats(X, rows, 3);
  arguments[1] = kf_floats(Y, columns, 3);
  arguments[2] = kf_floats(B, columns, 1);
  arguments[3] = kf_floats(&g, 1, 1);
  result = kf_floats(a, rows, 1);
  if (gauss(result, arguments, 4, message, sizeof message) != kf_ok) {
    printf("refused: %s\n", message);
    return 1;
  }
  for (i = 0; i < rows; ++i) {
    double sum = 0;
    for (j = 0; j < columns; ++j) {
      double distance = 0;
      for (k = 0; k < 3; ++k) distance += pow((double)X[3 * i + k] - (double)Y[3 * j + k], 2);
      sum += exp(-0.5 * distance) * (double)B[j];
    }
    if (!(fabs(sum - (double)a[i]) <= 1e-4)) ++wrong;
  }
  printf("%d wrong rows\n", wrong);

  arguments[1].dim = 2;
  if (gauss(result, arguments, 4, message, sizeof message) != kf_shape_error || strcmp(message, expected) != 0) {
    printf("not the error expected: %s\n", message);
    ++wrong;
  }
  return wrong != 0;
}
