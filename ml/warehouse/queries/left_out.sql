-- what source.keep and source.drop leave out of the current files, by value, most lines
-- first
select
    left_out_lines.column_name,
    left_out_lines.value,
    cast(sum(left_out_lines.line_count) as bigint) as line_count,
    cast(sum(left_out_lines.amount) as double) as amount,
from raw.left_out_lines
inner join raw.files
    on left_out_lines.file_id = files.file_id
where files.is_current
group by
    left_out_lines.column_name,
    left_out_lines.value
order by
    line_count desc,
    left_out_lines.column_name,
    left_out_lines.value
limit 20
