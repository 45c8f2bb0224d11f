% Reductions called from Octave (gauss_mex.cpp), beside Octave itself.
1;
function d = distances(X, Y)
  d = sum(X .^ 2, 2) + sum(Y .^ 2, 2)' - 2 * X * Y';
end
function a = expected_gauss(X, Y, b, g)
  a = exp(-g * distances(X, Y)) * b;
end
function near(found, expected, tolerance)
  assert(size(found), size(expected));
  assert(max(abs(double(found(:)) - expected(:)) ./ abs(expected(:))) < tolerance);
end
function refuses(sentence, varargin)
  try
    gauss(varargin{:});
  catch e
    assert(e.identifier, 'kernfold:call');
    assert(!isempty(strfind(e.message, sentence)), e.message);
    return
  end
  error('no error: %s', sentence);
end

rand('seed', 1);
X = rand(40, 3); Y = rand(70, 3); b = rand(70, 1);
near(gauss(X, Y, b, 0.5), expected_gauss(X, Y, b, 0.5), 1e-12);
for two = {int32(2), int64(2), uint64(2), int8(2), uint8(2), single(2)}
  near(gauss(X, Y, b, two{1}), expected_gauss(X, Y, b, 2), 1e-12);
end
near(gauss(X, Y, b, true), expected_gauss(X, Y, b, 1), 1e-12);
found = gauss(single(X), single(Y), single(b), 0.5);
assert(class(found), 'single');
near(found, expected_gauss(X, Y, b, 0.5), 1e-5);

% several problems: the extents behind the second are those of the others or 1
many = rand(40, 3, 4); weights = rand(70, 1, 4);
found = gauss(many, Y, weights, 0.5);
assert(size(found), [40 1 4]);
for p = 1:4
  near(found(:, :, p), expected_gauss(many(:, :, p), Y, weights(:, :, p), 0.5), 1e-12);
end

found = gauss(X, Y);
[~, order] = sort(distances(X, Y), 2);
assert(double(found), order(:, 1:2));

refuses('3 arguments were given', X, Y, b);
refuses('argument 0', X(:, 1:2), Y, b, 0.5);
refuses('complex', X, Y, b * i, 0.5);
refuses('sparse', X, sparse(Y), b, 0.5);
refuses('char', X, 'text', b, 0.5);
refuses('float', X, single(Y), b, 0.5);
disp('all as expected');
