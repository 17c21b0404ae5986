"""Weekly carbon dioxide in the air on Mauna Loa, 1958 to 2001, as statsmodels ships it: a season that rises."""

from __future__ import annotations

from zoo.datasets import clock
from zoo.datasets.own_series import split, with_calendar
from zoo.datasets.windows import Table
from zoo.types import Dataset, Spec, UsageError


def load(input: Spec) -> Dataset:
    """The series, with the value before where a week is missing, split as the user's own would be.

    Repeating last year misses the rise, repeating the last week the season.

    Args:
      input: As `windows.history` gives it.

    Raises:
      UsageError: Look-back and horizon leave no window to train on, or columns are said to be known.

    Source:
      Keeling, C. D. and Whorf, T. P. (2004). Atmospheric CO2 concentrations derived from flask air samples at sites in
      the SIO network. Public domain.
    """
    from statsmodels.datasets import co2

    other = [name for name in input.series.known if name not in clock.COLUMNS]
    if other:
        raise UsageError(f"`known` is for your own tables, got {', '.join(other)}; leave it out.")
    values = co2.load_pandas().data["co2"].ffill()
    table = Table(
        times=tuple(values.index.strftime("%Y-%m-%d")),
        names=("co2",),
        values=values.to_numpy()[:, None],
        frequency=values.index.freqstr,
    )
    return split(
        "the sample",
        [with_calendar("the sample", table, input.series)],
        input,
        name="carbon dioxide on Mauna Loa, weekly",
        version="2004",
        origin="sample",
        citation="Keeling, C. D. and Whorf, T. P. (2004). Never to be reported as a result.",
        licence="public domain",
    )
