"""Arrays that grow."""

import numpy as np
import pytest

from hitforge.simulation._growing import longer


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64])
def test_values_and_type_stay(dtype: type) -> None:
    values = np.arange(5, dtype=dtype)
    larger = longer(values, 12)
    assert larger.shape == (12,)
    assert larger.dtype == dtype
    np.testing.assert_array_equal(larger[:5], values)
    larger[0] = 9
    assert values[0] == 0
