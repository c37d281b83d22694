{{ customer_features(ref('int_observation_windows'), ref('int_customer_days')) }}
