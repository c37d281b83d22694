{{ training_windows(ref('int_training_requests')) }}
