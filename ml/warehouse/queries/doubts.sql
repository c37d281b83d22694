-- doubts about the newest load, those that concern most money or most lines first
select
    file,
    kind,
    words,
    remedy,
    rows_share,
    money_share,
    example,
from marts.data_doubts
order by
    greatest(rows_share, money_share) desc nulls last,
    kind,
    file
